#include "muscles/polyline.h"

#include <algorithm>
#include <cmath>
#include <memory>
#include <string>

#include "base/error.h"

namespace soleus {
namespace {

bool moves(const mjModel* m, int joint, int body) {
  for (; body > 0; body = m->body_parentid[body]) {
    if (m->jnt_bodyid[joint] == body) return true;
  }
  return false;
}

int dofs(int type) { return type == mjJNT_BALL ? 3 : 1; }

}  // namespace

Polylines::Polylines(const mjModel* model, PolylineData data, std::span<const int> crossing_adr,
                     std::span<const int> crossing, std::span<const int> dof_actuated)
    : data_(std::move(data)), crossings_(crossing.size()) {
  check(model);
  joint_kind_.assign(model->jnt_type, model->jnt_type + model->njnt);
  joint_body_.assign(model->jnt_bodyid, model->jnt_bodyid + model->njnt);
  place_attachments();
  build_crossings(model, crossing_adr, crossing, dof_actuated);
  rest_length_.assign(muscles(), 1.0);
  std::unique_ptr<mjData, void (*)(mjData*)> rest(mj_makeData(model), mj_deleteData);
  require(rest != nullptr, "expected memory for one simulation");
  mj_kinematics(model, rest.get());
  PathState state = make_state();
  compute(rest.get(), state);
  for (int k = 0; k < muscles(); ++k) {
    require(state.length[k] > 0, "expected paths of positive length, got 0 for muscle " + std::to_string(k));
  }
  rest_length_ = state.length;
  for (std::size_t k = 0; k < data_.own_length.size(); ++k) rest_length_[k] *= data_.own_length[k];
}

void Polylines::check(const mjModel* m) const {
  const std::size_t nm = muscles(), nw = waypoints();
  require(std::is_sorted(data_.adr.begin(), data_.adr.end()) && data_.adr.front() == 0,
          "expected the waypoints' rows to rise from 0");
  require(data_.max_force.size() == nm && data_.optimal.size() == nm && data_.slack.size() == nm,
          "expected one force and two lengths a muscle");
  require(data_.curves.width > 0 && data_.curves.shape > 0 && data_.curves.strain > 0,
          "expected positive numbers of the curves of force");
  require(data_.body.size() == 2 * nw && data_.local.size() == 6 * nw && data_.weight.size() == 2 * nw,
          "expected two bodies, places and weights a waypoint");
  for (std::size_t k = 0; k < nm; ++k) {
    require(data_.adr[k + 1] - data_.adr[k] >= 2, "expected at least two waypoints of muscle " + std::to_string(k));
    require(data_.max_force[k] >= 0 && data_.optimal[k] > 0, "expected positive muscle parameters");
  }
  for (std::size_t i = 0; i < nw; ++i) {
    const int first = data_.body[2 * i], second = data_.body[2 * i + 1];
    require(first >= 0 && first < m->nbody && second >= -1 && second < m->nbody, "expected bodies of the model");
  }
}

void Polylines::place_attachments() {
  const int nw = waypoints();
  std::vector<int> order;  // of (waypoint, which) by body
  for (int i = 0; i < 2 * nw; ++i) {
    if (data_.body[i] >= 0) order.push_back(i);
  }
  std::sort(order.begin(), order.end(), [&](int a, int b) {
    return data_.body[a] != data_.body[b] ? data_.body[a] < data_.body[b] : a < b;
  });
  first_.assign(nw, 0);
  second_.assign(nw, 0);
  first_weight_.assign(nw, 1.0);
  second_weight_.assign(nw, 0.0);
  for (int at = 0; at < static_cast<int>(order.size()); ++at) {
    const int i = order[at];
    const int body = data_.body[i];
    if (places_.empty() || places_.back().body != body) places_.push_back({body, at, at});
    places_.back().end = at + 1;
    lx_.push_back(data_.local[3 * i]);
    ly_.push_back(data_.local[3 * i + 1]);
    lz_.push_back(data_.local[3 * i + 2]);
    (i % 2 ? second_ : first_)[i / 2] = at;
  }
  for (int i = 0; i < nw; ++i) {
    if (data_.body[2 * i + 1] < 0) {
      second_[i] = first_[i];
      continue;
    }
    first_weight_[i] = data_.weight[2 * i];
    second_weight_[i] = data_.weight[2 * i + 1];
  }
}

void Polylines::build_crossings(const mjModel* m, std::span<const int> crossing_adr, std::span<const int> crossing,
                                std::span<const int> dof_actuated) {
  for (int k = 0; k < muscles(); ++k) {
    for (int joint = 0; joint < m->njnt; ++joint) {
      const int dof = m->jnt_dofadr[joint];
      if (dof_actuated[dof] < 0) continue;
      const auto begin = crossing.begin() + crossing_adr[k], end = crossing.begin() + crossing_adr[k + 1];
      const auto found = std::find(begin, end, dof_actuated[dof]);
      const std::size_t before = crossed_.size();
      add_crossed(k, m, joint, static_cast<int>(found - crossing.begin()));
      if (crossed_.size() == before) continue;
      for (int i = 0; i < dofs(m->jnt_type[joint]); ++i) {
        require(end - found > i && found[i] == dof_actuated[dof + i],
                "expected the coordinates that muscle " + std::to_string(k) + " crosses to hold those of joint " +
                    std::to_string(joint));
      }
    }
  }
}

void Polylines::add_crossed(int muscle, const mjModel* m, int joint, int slot) {
  Crossed crossed{joint, slot, static_cast<int>(crosses_.size()), 0, static_cast<int>(mixed_.size()), 0};
  const int begin = data_.adr[muscle], end = data_.adr[muscle + 1];
  auto inside = [&](int i) { return moves(m, joint, data_.body[i]); };
  for (int i = begin; i + 1 < end; ++i) {
    const bool here = inside(2 * i), there = inside(2 * (i + 1));
    if (here != there) crosses_.push_back({i, here ? 1.0 : -1.0});
  }
  for (int i = begin; data_.spread && i < end; ++i) {
    if (data_.body[2 * i + 1] < 0) continue;
    const bool first = inside(2 * i), second = inside(2 * i + 1);
    if (first == second) continue;
    mixed_.push_back({i, first ? first_[i] : second_[i], first ? first_weight_[i] : second_weight_[i],
                      first ? 1.0 : 0.0, i == begin, i + 1 == end});
  }
  crossed.crossing_end = static_cast<int>(crosses_.size());
  crossed.mixed_end = static_cast<int>(mixed_.size());
  if (crossed.crossing_begin < crossed.crossing_end || crossed.mixed_begin < crossed.mixed_end) {
    crossed_.push_back(crossed);
  }
}

PathState Polylines::make_state() const {
  PathState s;
  for (auto* per_muscle : {&s.length, &s.active, &s.passive}) per_muscle->assign(muscles(), 0.0);
  s.moment.assign(crossings_, 0.0);
  for (auto* per_place : {&s.x, &s.y, &s.z}) per_place->assign(lx_.size(), 0.0);
  for (auto* per_point : {&s.px, &s.py, &s.pz, &s.ux, &s.uy, &s.uz, &s.segment}) per_point->assign(waypoints(), 0.0);
  return s;
}

void Polylines::compute(const mjData* data, PathState& state) const {
  move_points(data, state);
  measure_segments(state);
  compute_forces(state);
  compute_moments(data, state);
}

void Polylines::move_points(const mjData* d, PathState& s) const {
  for (const Place& place : places_) {
    const double* r = d->xmat + 9 * place.body;
    const double* t = d->xpos + 3 * place.body;
    const double r0 = r[0], r1 = r[1], r2 = r[2], r3 = r[3], r4 = r[4], r5 = r[5], r6 = r[6], r7 = r[7], r8 = r[8];
    const double t0 = t[0], t1 = t[1], t2 = t[2];
    const double *lx = lx_.data(), *ly = ly_.data(), *lz = lz_.data();
    double *x = s.x.data(), *y = s.y.data(), *z = s.z.data();
#pragma GCC ivdep
    for (int i = place.begin; i < place.end; ++i) {
      x[i] = t0 + r0 * lx[i] + r1 * ly[i] + r2 * lz[i];
      y[i] = t1 + r3 * lx[i] + r4 * ly[i] + r5 * lz[i];
      z[i] = t2 + r6 * lx[i] + r7 * ly[i] + r8 * lz[i];
    }
  }
}

void Polylines::measure_segments(PathState& s) const {
  const int nw = waypoints();
  const int *first = first_.data(), *second = second_.data();
  const double *a = first_weight_.data(), *b = second_weight_.data();
  const double *x = s.x.data(), *y = s.y.data(), *z = s.z.data();
  double *px = s.px.data(), *py = s.py.data(), *pz = s.pz.data();
#pragma GCC ivdep
  for (int i = 0; i < nw; ++i) {
    px[i] = a[i] * x[first[i]] + b[i] * x[second[i]];
    py[i] = a[i] * y[first[i]] + b[i] * y[second[i]];
    pz[i] = a[i] * z[first[i]] + b[i] * z[second[i]];
  }
  double *ux = s.ux.data(), *uy = s.uy.data(), *uz = s.uz.data(), *segment = s.segment.data();
  // The way from the last waypoint of a muscle to the first of the next is computed too, and read by nobody.
#pragma GCC ivdep
  for (int i = 0; i < nw - 1; ++i) {
    const double dx = px[i + 1] - px[i], dy = py[i + 1] - py[i], dz = pz[i + 1] - pz[i];
    const double length = std::sqrt(dx * dx + dy * dy + dz * dz);
    const double inverse = length > mjMINVAL ? 1.0 / length : 0.0;
    segment[i] = length;
    ux[i] = dx * inverse;
    uy[i] = dy * inverse;
    uz[i] = dz * inverse;
  }
}

void Polylines::compute_forces(PathState& s) const {
  for (int k = 0; k < muscles(); ++k) {
    double length = 0;
    for (int i = data_.adr[k]; i < data_.adr[k + 1] - 1; ++i) length += s.segment[i];
    s.length[k] = length / rest_length_[k];
    const MuscleForce force = mass_muscle_force(data_.curves, data_.max_force[k], fibre(k, s) - 1.0);
    s.active[k] = force.active;
    s.passive[k] = force.passive;
  }
}

// A tension u along a segment pulls its ends together, so joints that move both ends feel nothing: the torque about a
// joint comes from the segments that cross it alone.
void Polylines::compute_moments(const mjData* d, PathState& s) const {
  for (const Crossed& crossed : crossed_) {
    const double* c = d->xanchor + 3 * crossed.joint;
    const bool slides = joint_kind_[crossed.joint] == mjJNT_SLIDE;
    double torque[3] = {0, 0, 0};  // about the joint, or along a slide the force
    auto pull = [&](double rx, double ry, double rz, double fx, double fy, double fz) {
      torque[0] += slides ? fx : ry * fz - rz * fy;
      torque[1] += slides ? fy : rz * fx - rx * fz;
      torque[2] += slides ? fz : rx * fy - ry * fx;
    };
    for (int e = crossed.crossing_begin; e < crossed.crossing_end; ++e) {
      const int i = crosses_[e].segment;
      const double sign = crosses_[e].sign;
      pull(s.px[i] - c[0], s.py[i] - c[1], s.pz[i] - c[2], sign * s.ux[i], sign * s.uy[i], sign * s.uz[i]);
    }
    for (int e = crossed.mixed_begin; e < crossed.mixed_end; ++e) {
      const Mixed& mixed = mixed_[e];
      const int i = mixed.waypoint, a = mixed.attachment;
      double f[3] = {0, 0, 0};
      if (!mixed.ends) f[0] += s.ux[i], f[1] += s.uy[i], f[2] += s.uz[i];
      if (!mixed.begins) f[0] -= s.ux[i - 1], f[1] -= s.uy[i - 1], f[2] -= s.uz[i - 1];
      const double w = mixed.weight;
      pull(s.x[a] - c[0], s.y[a] - c[1], s.z[a] - c[2], w * f[0], w * f[1], w * f[2]);
      // The segments have counted the whole force with the first body.
      pull(s.px[i] - c[0], s.py[i] - c[1], s.pz[i] - c[2], -mixed.first * f[0], -mixed.first * f[1],
           -mixed.first * f[2]);
    }
    double* moment = s.moment.data() + crossed.slot;
    if (joint_kind_[crossed.joint] == mjJNT_BALL) {
      const double* r = d->xmat + 9 * joint_body_[crossed.joint];
      for (int i = 0; i < 3; ++i) moment[i] = r[i] * torque[0] + r[3 + i] * torque[1] + r[6 + i] * torque[2];
    } else {
      const double* axis = d->xaxis + 3 * crossed.joint;
      moment[0] = axis[0] * torque[0] + axis[1] * torque[1] + axis[2] * torque[2];
    }
  }
}

}  // namespace soleus
