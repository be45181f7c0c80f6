#include "dynamics/lane_muscles.h"

#include <algorithm>
#include <cmath>

#include "base/wide_math.h"

namespace soleus {
namespace {

// Calls with the numbers of the muscles: the tables that all humans share, or those that have each lane's own.
template <class Work>
decltype(auto) with_tables(const LaneMuscles& m, Work&& work) {
  if (m.own) return work(*m.own);
  return work(m.model->tables());
}

Wide wide_min_value(Wide x) { return max(x, Wide(mjMINVAL)); }

template <class ForceLength>
Wide normal_length(const ForceLength& p, Wide length) { return length * p.inverse_optimal + Wide(p.offset); }

template <class MassLaw>
Wide mass_strain(const MassLaw& p, Wide length) {
  return (length * p.inverse_rest - Wide(p.slack)) * p.inverse_optimal - Wide(1.0);
}

// mju_muscleGainLength: two parabolas up, two down.
template <class ForceLength>
Wide active_curve(const ForceLength& p, Wide length) {
  const Wide one(1.0);
  const Wide up = (length - Wide(p.least)) * p.from_least;
  const Wide near_up = (one - length) * p.to_top;
  const Wide near_down = (length - one) * p.from_top;
  const Wide down = (Wide(p.most) - length) * p.to_most;
  const Wide rising(p.rising), falling(p.falling);
  const Wide x = select(length <= rising, up, select(length <= one, near_up, select(length <= falling, near_down, down)));
  const Wide half = 0.5 * Wide(x * x);
  const WideMask middle = (length > rising) & (length <= falling);
  return where((length >= Wide(p.least)) & (length <= Wide(p.most)), select(middle, one - half, half));
}

// Of a velocity over the greatest one, lengthening positive.
template <class ForceVelocity>
Wide velocity_curve(const ForceVelocity& p, Wide v) {
  const Wide zero(0.0), one(1.0), most(p.lengthening);
  const Wide shortening = (v + one) * (v + one);
  const Wide rest = Wide(p.rest) - v;
  const Wide longer = most - rest * rest * p.inverse_rest;
  return select(v <= Wide(-1.0), zero, select(v <= zero, shortening, select(v <= Wide(p.rest), longer, most)));
}

// mju_muscleBias, over the greatest force and with the other sign.
template <class PassiveForce>
Wide passive_curve(const PassiveForce& p, Wide length) {
  const Wide near = (length - Wide(1.0)) * p.inverse_width, far = (length - Wide(p.bend)) * p.inverse_width;
  const Wide curve = select(length <= Wide(p.bend), 0.5 * Wide(near * near), far + Wide(0.5));
  return where(length > Wide(1.0), curve);
}

}  // namespace

LaneMuscles::LaneMuscles(const LaneMuscleModel& tables) : model(&tables) {
  const Wide zero(0.0);
  for (auto* of_muscles : {&activation, &excitation, &length, &speed, &gain, &bias}) {
    of_muscles->assign(tables.muscles().size(), zero);
  }
  moment.assign(tables.dynamics().human().num_crossings(), zero);
  sites.assign(tables.structure().sites.size(), {zero, zero, zero});
  int most = 0;
  for (const auto& group : tables.fitted()) most = std::max(most, group.polynomials.monomials());
  monomials.assign(2 * most, zero);
  if (!tables.structure().shares.empty()) pulls.assign(tables.structure().stretches.size(), {zero, zero, zero});
}

MuscleTables<Wide>& LaneMuscles::own_tables() {
  if (!own) {
    own = std::make_unique<MuscleTables<Wide>>();
    spread_numbers(*own, model->tables());
  }
  return *own;
}

void LaneMuscles::give(int lane, const LaneMuscleModel& variant) {
  own_paths = true;
  load_numbers(model->structure(), lane, variant.structure());
  load_numbers(own_tables(), lane, variant.tables());
}

void LaneMuscles::give_forces(int lane, const HumanModel& variant) {
  auto& forces = own_tables().forces;
  for (int k = 0; k < variant.num_muscles(); ++k) load_numbers(forces[k], lane, LaneMuscleModel::force_of(variant, k));
}

void LaneMuscles::give_strengths(int lane, const HumanModel& variant) {
  if (strength.empty()) strength.assign(variant.num_muscles(), Wide(1.0));
  for (int k = 0; k < variant.num_muscles(); ++k) {
    const double most = model->tables().forces[k].most;
    strength[k].set(lane, most > 0 ? LaneMuscleModel::force_of(variant, k).most / most : 1.0);
  }
}

namespace {

// A line between two points: its length, and the unit force along it as a wrench about the point of reference.
struct Line {
  Wide length;
  Spatial pull;
};

Line line(const Wide3& from, const Wide3& to) {
  const Wide3 d = to - from;
  const Wide length = sqrt(dot(d, d));
  const WideMask none = length < Wide(mjMINVAL);
  const Wide inverse = Wide(1.0) / select(none, Wide(1.0), length);
  const Wide3 unit = select(none, {Wide(1.0), Wide(0.0), Wide(0.0)}, inverse * d);  // as mju_normalize3()
  return {length, {cross(from, unit), unit}};
}

// What pulls along lines add to: the moments of a muscle on the coordinates that its path crosses.
struct Moments {
  const LaneMuscleModel::Arm* arms;
  const Spatial* motions;
  Wide* moment;

  template <class Number>
  void add(int begin, int end, Number scale, const Spatial& pull) const {
    for (int i = begin; i < end; ++i) {
      moment[arms[i].slot] += Wide(scale * arms[i].sign) * dot(motions[arms[i].motion], pull);
    }
  }
};

// Round a shape; length of the whole stretch.
template <class Shape, class Number>
Wide wrapped_length(const DynamicsTile& t, const Moments& moments, const LaneMuscleModel::Stretch& s, const Shape& shape,
                    int link_number, Number scale, const Wide3& from, const Wide3& to) {
  Wide3 center = wide(shape.place);
  WideQuat turn = wide(shape.turn);
  if (link_number >= 0) {
    const LinkState& link = t.links[link_number];
    center = link.place + link.axes * center;
    turn = link.turn * turn;
  }
  const WideMatrix axes = rotation(turn);
  center = center - t.origin;
  auto to_local = [&](const Wide3& p) {
    const Wide3 d = p - center;
    return Wide3{dot(axes.column(0), d), dot(axes.column(1), d), dot(axes.column(2), d)};
  };
  const Wrapping w = wrap(shape.wrap, to_local(from), to_local(to));
  if (!any(w.wraps)) {
    const Line whole = line(from, to);
    moments.add(s.arms_begin, s.after_end, scale, whole.pull);
    return whole.length;
  }
  // Where a lane does not wrap, both parts lie on the line between the ends.
  const Line before = line(from, select(w.wraps, center + axes * w.first, to));
  const Line after = line(select(w.wraps, center + axes * w.second, from), to);
  moments.add(s.arms_begin, s.arms_end, scale, before.pull);
  moments.add(s.after_begin, s.after_end, scale, after.pull);
  return select(w.wraps, before.length + w.length + after.length, before.length);
}

// Where a point that is fixed to a link is, from the tile's point of reference.
template <class Number>
Wide3 place_on_link(const DynamicsTile& t, int link, const std::array<Number, 3>& place) {
  if (link < 0) return wide(place) - t.origin;
  return t.links[link].place - t.origin + t.links[link].axes * wide(place);
}

template <class Tables>
Wide3 place_of(const DynamicsTile& t, const Tables& tables, const LaneMuscleModel::Site& site, int number) {
  Wide3 place = place_on_link(t, site.link, tables.places[number]);
  if (site.blend >= 0) {
    const auto& blend = tables.blends[site.blend];
    place = Wide(blend.weight) * place;
    add_scaled(place, Wide(blend.second_weight), place_on_link(t, site.second_link, blend.place));
  }
  return place;
}

// Moves the second link's share of the force at a blended point to it, from the first, which had all of it.
template <class Tables>
void share_force(const LaneMuscles& m, const DynamicsTile& t, const Tables& tables, const Moments& moments,
                 const LaneMuscleModel::Share& share) {
  const LaneMuscleModel::Site& site = m.model->structure().sites[share.site];
  const auto& blend = tables.blends[site.blend];
  // The length grows as the point goes along the pull of the stretch that ends there, and against that of the next.
  Wide3 along{Wide(0.0), Wide(0.0), Wide(0.0)};
  if (share.before >= 0) along += m.pulls[share.before];
  if (share.behind >= 0) add_scaled(along, Wide(-1.0), m.pulls[share.behind]);
  const Wide3 force = Wide(blend.second_weight) * along;
  moments.add(share.arms_begin, share.arms_end, 1.0,
              {cross(place_on_link(t, site.second_link, blend.place), force), force});
}

// Length and moments along the path as the model has it.
template <class Tables>
void follow_path(LaneMuscles& m, const DynamicsTile& t, const Tables& tables, int k) {
  const HumanModel& h = m.model->dynamics().human();
  const LaneMuscleModel::Structure& structure = m.model->structure();
  const LaneMuscleModel::Muscle& p = structure.muscles[k];
  const auto& fixed = tables.fixed[k];
  const Moments moments{structure.arms.data(), t.motions.data(), m.moment.data()};
  Wide3* sites = m.sites.data();
  const int* path = structure.path_sites.data();
  for (int i = p.sites_begin; i < p.sites_end; ++i) sites[path[i]] = place_of(t, tables, structure.sites[path[i]], path[i]);
  for (int s = h.crossing_adr[k]; s < h.crossing_adr[k + 1]; ++s) m.moment[s] = Wide(0.0);
  Wide length(fixed.length);
  if (p.dof >= 0) {
    length = t.qpos[t.model->dofs()[p.dof].qpos] * fixed.gear;
    m.moment[p.slot] = t.coupling[p.dof] * fixed.gear;
  }
  const bool shares = !m.pulls.empty();
  for (int number = p.stretches_begin; number < p.stretches_end; ++number) {
    const LaneMuscleModel::Stretch& s = structure.stretches[number];
    const auto& scale = tables.scales[s.scale];
    if (s.wrap >= 0) {
      length += Wide(scale) * wrapped_length(t, moments, s, tables.shapes[s.wrap], structure.shape_links[s.wrap], scale,
                                             sites[s.from], sites[s.to]);
      continue;
    }
    const Line whole = line(sites[s.from], sites[s.to]);
    moments.add(s.arms_begin, s.arms_end, scale, whole.pull);
    if (shares) m.pulls[number] = whole.pull.linear;
    length += Wide(scale) * whole.length;
  }
  for (int s = p.shares_begin; s < p.shares_end; ++s) share_force(m, t, tables, moments, structure.shares[s]);
  m.length[k] = length;
}

// Lengths and moments by polynomials; a lane outside of the box where they hold takes the path.
void follow_polynomials(LaneMuscles& m, const DynamicsTile& t, const FittedGroup& group) {
  constexpr int kMost = WidePolynomials::kMostVariables;
  const HumanModel& h = m.model->dynamics().human();
  const int count = group.polynomials.variables();
  Wide variables[kMost], gradient[kMost], length;
  WideMask holds = every_lane();
  for (int i = 0; i < count; ++i) {
    const auto& v = group.variables[i];
    variables[i] = (t.qpos[v.qpos] - Wide(v.centre)) * v.inverse_half;
    holds = holds & (abs(variables[i]) <= Wide(1.0));
  }
  group.polynomials.raise(variables, m.monomials.data());
  const bool all = !any(!holds);
  for (std::size_t g = 0; g < group.muscles.size(); ++g) {
    const int k = group.muscles[g];
    const int* slots = group.slots.data() + g * count;
    if (!all) follow_path(m, t, m.model->tables(), k);
    for (int s = h.crossing_adr[k]; s < h.crossing_adr[k + 1]; ++s) m.moment[s] = where(!holds, m.moment[s]);
    group.polynomials.evaluate(static_cast<int>(g), m.monomials.data(), length, gradient);
    m.length[k] = select(holds, length, m.length[k]);
    for (int i = 0; i < count; ++i) m.moment[slots[i]] = select(holds, gradient[i], m.moment[slots[i]]);
  }
}

// Speed, and force by the muscle's law.
template <class Tables>
void find_force(LaneMuscles& m, const DynamicsTile& t, const Tables& tables, int k) {
  const HumanModel& h = m.model->dynamics().human();
  const auto& f = tables.forces[k];
  const Wide length = m.length[k];
  Wide speed(0.0);
  for (int s = h.crossing_adr[k]; s < h.crossing_adr[k + 1]; ++s) {
    speed += m.moment[s] * t.velocity[h.actuated[h.crossing[s]]];
  }
  m.speed[k] = speed;
  const LaneMuscleModel::Law law = m.model->muscles()[k].law;
  if (law == LaneMuscleModel::Law::kHill) {
    const WideHillForce force = hill_force(f.hill, length, speed * f.inverse_fastest);
    m.gain[k] = Wide(-f.most) * force.active;
    m.bias[k] = Wide(-f.most) * force.passive;
    return;
  }
  if (law == LaneMuscleModel::Law::kMass) {
    const Wide strain = mass_strain(f.mass, length);
    m.gain[k] = -f.most * exp(strain * strain * f.mass.narrowing);
    const WideMask stretched = strain > Wide(0.0);
    m.bias[k] = Wide(0.0);
    if (!any(stretched)) return;
    const Wide curve = (exp(strain * f.mass.growth) - Wide(1.0)) * f.mass.factor;
    m.bias[k] = where(stretched, -f.most * curve);
    return;
  }
  const Wide normal = normal_length(f.length, length);
  const Wide fast = speed * f.inverse_fastest;
  m.gain[k] = Wide(-f.most * active_curve(f.length, normal)) * velocity_curve(f.velocity, fast);
  const Wide stretched = length * f.passive.inverse_optimal + Wide(f.passive.offset);
  m.bias[k] = -f.passive.force * passive_curve(f.passive, stretched);
}

}  // namespace

void update_muscles(LaneMuscles& m, const DynamicsTile& t) {
  const HumanModel& h = m.model->dynamics().human();
  const bool everywhere = h.has_hill();
  if (everywhere || !m.own_paths) {
    for (const auto& group : m.model->fitted()) {
      if (everywhere) {
        follow_everywhere(group, t.qpos.data(), h.crossing_adr.data(), m.monomials.data(), m.length.data(), m.moment.data());
      } else {
        follow_polynomials(m, t, group);
      }
    }
  }
  with_tables(m, [&](const auto& tables) {
    for (int k = 0; k < static_cast<int>(tables.forces.size()); ++k) {
      if (!everywhere && (m.own_paths || !m.model->is_fitted(k))) follow_path(m, t, tables, k);
      find_force(m, t, tables, k);
    }
  });
  for (std::size_t k = 0; k < m.strength.size(); ++k) {
    m.gain[k] *= m.strength[k];
    m.bias[k] *= m.strength[k];
  }
}

void muscle_torques(const LaneMuscles& m, std::span<Wide> moments, std::span<Wide> passive) {
  const HumanModel& h = m.model->dynamics().human();
  for (Wide& torque : passive) torque = Wide(0.0);
  for (int k = 0; k < h.num_muscles(); ++k) {
    for (int s = h.crossing_adr[k]; s < h.crossing_adr[k + 1]; ++s) {
      passive[h.crossing[s]] += m.moment[s] * m.bias[k];
      moments[s] = m.moment[s] * m.gain[k];
    }
  }
}

namespace {

// Force of a muscle [N]; negative, as a path counts a pull.
template <class Tables>
Wide pull_of(const LaneMuscles& m, const Tables& tables, int k) {
  const LaneMuscleModel::Muscle& p = m.model->muscles()[k];
  Wide driven = p.stateful ? m.activation[k] : m.excitation[k];
  if (!p.stateful && p.limited) {
    driven = clamp(driven, Wide(tables.activations[k].control_low), Wide(tables.activations[k].control_high));
  }
  return m.gain[k] * driven + m.bias[k];
}

}  // namespace

Wide tension(const LaneMuscles& m, int muscle) {
  Wide found(0.0);
  with_tables(m, [&](const auto& tables) { found = -pull_of(m, tables, muscle); });
  return found;
}

void pull_muscles(const LaneMuscles& m, std::span<Wide> force) {
  const HumanModel& h = m.model->dynamics().human();
  with_tables(m, [&](const auto& tables) {
    for (int k = 0; k < h.num_muscles(); ++k) {
      const Wide pull = pull_of(m, tables, k);
      for (int s = h.crossing_adr[k]; s < h.crossing_adr[k + 1]; ++s) {
        force[h.actuated[h.crossing[s]]] += m.moment[s] * pull;
      }
    }
  });
}

void apply_activations(LaneMuscles& m, std::span<const Wide> desired, bool dynamics) {
  const Wide zero(0.0), one(1.0);
  with_tables(m, [&](const auto& tables) {
    for (std::size_t k = 0; k < desired.size(); ++k) {
      const LaneMuscleModel::Muscle& p = m.model->muscles()[k];
      if (!dynamics || !p.dynamic) {
        m.excitation[k] = desired[k];
        if (p.stateful) m.activation[k] = desired[k];
        continue;
      }
      // The inverse of one explicit step of the dynamics.
      const auto& a = tables.activations[k];
      const Wide now = clamp(m.activation[k], zero, one);
      const Wide shape = now * 1.5 + Wide(0.5);
      const Wide rise = shape * a.rise_steps, fall = Wide(a.fall_steps) / shape;
      const Wide change = desired[k] - now;
      m.excitation[k] = clamp(now + change * select(change > zero, rise, fall), zero, one);
    }
  });
}

namespace {

template <class Activation>
void activate(const Activation& p, Wide excitation, bool limited, double timestep, Wide& activation) {
  const Wide zero(0.0), one(1.0);
  if (limited) excitation = clamp(excitation, Wide(p.control_low), Wide(p.control_high));
  const Wide control = clamp(excitation, zero, one);
  const Wide shape = clamp(activation, zero, one) * 1.5 + Wide(0.5);
  const Wide rise = shape * p.rise, fall = Wide(p.fall) / shape;
  const Wide excess = control - activation;
  Wide time = select(excess > zero, rise, fall);
  if (any(p.smooth)) {
    const Wide x = clamp(excess * p.inverse_smoothing + Wide(0.5), zero, one);
    const Wide step = x * x * x * (x * (x * 6.0 - Wide(15.0)) + Wide(10.0));  // mju_sigmoid
    time = select(mask_of(p.smooth), fall + (rise - fall) * step, time);
  }
  activation += timestep * Wide(excess / wide_min_value(time));
}

}  // namespace

void activate_muscles(LaneMuscles& m, double timestep) {
  with_tables(m, [&](const auto& tables) {
    for (std::size_t k = 0; k < tables.activations.size(); ++k) {
      const LaneMuscleModel::Muscle& p = m.model->muscles()[k];
      // Without dynamics an activation stays where it is put.
      if (p.dynamic) activate(tables.activations[k], m.excitation[k], p.limited, timestep, m.activation[k]);
    }
  });
}

void add_exertion(const LaneMuscles& m, WideExertion& sums) {
  with_tables(m, [&](const auto& tables) {
    for (std::size_t k = 0; k < tables.forces.size(); ++k) {
      const Wide driven = m.model->muscles()[k].stateful ? m.activation[k] : m.excitation[k];
      const Wide square = driven * driven;
      sums.activation += driven;
      sums.squared += square;
      sums.by_mass += driven * tables.forces[k].muscle_mass;
      sums.squared_by_mass += square * tables.forces[k].muscle_mass;
    }
  });
}

namespace {

// What a muscle would pull with at rest, at full activation [N], and the length of its fibre over the optimal one.
struct AtRest { Wide force, fibre; };

// most: the greatest force [N], strength included.
template <class Force>
AtRest at_rest(const LaneMuscles& m, const Force& f, int k, Wide most) {
  const Wide length = m.length[k];
  switch (m.model->muscles()[k].law) {
    case LaneMuscleModel::Law::kHill:
      return {most * hill_force(f.hill, length, Wide(0.0)).active, hill_fibre(f.hill, length)};
    case LaneMuscleModel::Law::kMass:  // whose force does not depend on its velocity
      return {-m.gain[k], mass_strain(f.mass, length) + Wide(1.0)};
    case LaneMuscleModel::Law::kMujoco: break;
  }
  const Wide normal = normal_length(f.length, length);
  return {most * active_curve(f.length, normal), normal};
}

}  // namespace

Wide metabolic_power(const LaneMuscles& m) {
  Wide power(0.0);
  with_tables(m, [&](const auto& tables) {
    for (int k = 0; k < static_cast<int>(tables.forces.size()); ++k) {
      const auto& f = tables.forces[k];
      const LaneMuscleModel::Muscle& p = m.model->muscles()[k];
      const Wide strength = m.strength.empty() ? Wide(1.0) : m.strength[k];
      const AtRest rest = at_rest(m, f, k, strength * f.most);
      const Wide driven = p.stateful ? m.activation[k] : m.excitation[k];
      power += metabolic_power({strength * f.tissue_mass, driven, rest.fibre, -m.speed[k], -m.gain[k] * driven,
                                rest.force * driven}, p.slow);
    }
  });
  return power;
}

}  // namespace soleus
