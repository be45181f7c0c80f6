#include "dynamics/kinematics.h"

#include "base/wide_math.h"

namespace soleus {
namespace {

Wide3 three(const Wide* p) { return {p[0], p[1], p[2]}; }
WideQuat four(const Wide* p) { return {p[0], p[1], p[2], p[3]}; }

// Positions and rates of a joint that follows a spline of its coordinate: each lane by the piece that it is on.
template <class Tables>
void follow_spline(DynamicsTile& t, const Tables& m, std::size_t dof) {
  const auto& d = m.dofs[dof];
  const Wide q = t.qpos[d.driver_qpos], u = t.velocity[d.coordinate];
  const auto& first = m.pieces[d.pieces_begin];
  Wide start(first.start), c[4];
  for (int i = 0; i < 4; ++i) c[i] = Wide(first.cubic[i]);
  for (int k = d.pieces_begin + 1; k < d.pieces_end; ++k) {
    const auto& piece = m.pieces[k];
    const WideMask beyond = q >= Wide(piece.start);
    if (!any(beyond)) break;  // starts rise
    start = select(beyond, Wide(piece.start), start);
    for (int i = 0; i < 4; ++i) c[i] = select(beyond, Wide(piece.cubic[i]), c[i]);
  }
  const Wide x = q - start;
  t.qpos[d.qpos] = x * (x * (x * c[3] + c[2]) + c[1]) + c[0];
  t.coupling[dof] = x * (x * (3 * c[3]) + Wide(2 * c[2])) + c[1];
  const Wide curvature = x * (6 * c[3]) + Wide(2 * c[2]);
  t.coupling_rate[dof] = curvature * u * u;
}

// Positions and rates of joints that follow a polynomial or a spline of their coordinate.
template <class Tables>
void couple(DynamicsTile& t, const Tables& m) {
  for (std::size_t i = 0; i < m.dofs.size(); ++i) {
    const auto& d = m.dofs[i];
    t.coupling_rate[i] = Wide(0.0);
    if (!d.coupled) {
      t.coupling[i] = Wide(1.0);
      continue;
    }
    if (d.pieces_begin < d.pieces_end) {
      follow_spline(t, m, i);
      continue;
    }
    const auto& p = d.polynomial;
    const Wide x = t.qpos[d.driver_qpos] - Wide(d.driver_qpos0), u = t.velocity[d.coordinate];
    t.qpos[d.qpos] = Wide(d.qpos0) + Wide(x * (x * (x * (x * p[4] + Wide(p[3])) + Wide(p[2])) + Wide(p[1])) + Wide(p[0]));
    t.coupling[i] = x * (x * (x * (4 * p[4]) + Wide(3 * p[3])) + Wide(2 * p[2])) + Wide(p[1]);
    const Wide curvature = x * (x * (12 * p[4]) + Wide(6 * p[3])) + Wide(2 * p[2]);
    t.coupling_rate[i] = curvature * u * u;
  }
}

// Frames of a link after its joints, and the motion of each of their dofs about the world's origin for now.
template <class Tables>
void move_link(DynamicsTile& t, const Tables& m, const typename Tables::Link& link, LinkState& s) {
  const LinkState* parent = link.parent >= 0 ? &t.links[link.parent] : nullptr;
  s.place = parent ? parent->place + parent->axes * wide(link.place) : wide(link.place);
  s.turn = parent ? (link.turned ? parent->turn * wide(link.turn) : parent->turn) : wide(link.turn);
  for (int j = link.joints_begin; j < link.joints_end; ++j) {
    const auto& joint = m.joints[j];
    const Wide* q = t.qpos.data() + joint.qpos;
    Spatial* motion = t.dof_motions.data() + joint.dof;
    if (joint.kind == JointKind::kFree) {
      s.place = three(q);
      s.turn = four(q + 3);
      continue;  // its motions are the world's axes and the link's own: see finish_free_joint()
    }
    if (joint.kind == JointKind::kSlide) {
      const Wide3 axis = turned(s.turn, wide(joint.axis));
      add_scaled(s.place, q[0] - Wide(joint.qpos0), axis);
      motion[0].linear = axis;
      continue;
    }
    const Wide3 anchor = joint.anchored ? s.place + turned(s.turn, wide(joint.anchor)) : s.place;
    if (joint.kind == JointKind::kHinge) {
      motion[0].angular = turned(s.turn, wide(joint.axis));
      motion[0].linear = anchor;  // until the point of reference is known
      Wide sine, cosine;
      sincos(0.5 * (q[0] - Wide(joint.qpos0)), sine, cosine);
      s.turn = s.turn * WideQuat{cosine, sine * joint.axis[0], sine * joint.axis[1], sine * joint.axis[2]};
    } else {
      s.turn = s.turn * four(q);
      for (int i = 0; i < 3; ++i) motion[i].linear = anchor;
    }
    if (joint.anchored) s.place = anchor - turned(s.turn, wide(joint.anchor));
  }
  s.axes = rotation(s.turn);
}

// Motions about the point of reference, those of a coordinate's joints together.
template <class Tables>
void compute_motions(DynamicsTile& t, const Tables& m, const typename Tables::Link& link, const LinkState& s) {
  for (int j = link.joints_begin; j < link.joints_end; ++j) {
    const auto& joint = m.joints[j];
    Spatial* motion = t.dof_motions.data() + joint.dof;
    if (joint.kind == JointKind::kHinge) {
      motion[0].linear = cross(motion[0].linear - t.origin, motion[0].angular);
    } else if (joint.kind == JointKind::kBall) {
      for (int i = 0; i < 3; ++i) {
        motion[i].angular = s.axes.column(i);
        motion[i].linear = cross(motion[i].linear - t.origin, motion[i].angular);
      }
    } else if (joint.kind == JointKind::kFree) {
      const Wide3 arm = s.place - t.origin;
      for (int i = 0; i < 3; ++i) {
        motion[i].linear = {Wide(i == 0 ? 1.0 : 0.0), Wide(i == 1 ? 1.0 : 0.0), Wide(i == 2 ? 1.0 : 0.0)};
        motion[3 + i].angular = s.axes.column(i);
        motion[3 + i].linear = cross(arm, motion[3 + i].angular);
      }
    }
  }
}

// Velocity and acceleration of a link beside that of its coordinates, dof by dof as MuJoCo has them: a hinge turns with
// the joints before it; the three axes of a ball or free joint turn with what came before all three.
template <class Tables>
void compute_velocity(DynamicsTile& t, const Tables& m, const typename Tables::Link& link, LinkState& s) {
  const Wide zero(0.0);
  if (link.parent >= 0) {
    s.velocity = t.links[link.parent].velocity;
    s.acceleration = t.links[link.parent].acceleration;
    s.driven = t.links[link.parent].driven;
  } else {
    s.velocity = s.driven = {{zero, zero, zero}, {zero, zero, zero}};
    s.acceleration = {{zero, zero, zero}, {-Wide(m.gravity[0]), -Wide(m.gravity[1]), -Wide(m.gravity[2])}};
  }
  for (int p = link.motions_begin; p < link.motions_end; ++p) t.motions[p] = {{zero, zero, zero}, {zero, zero, zero}};
  for (int j = link.joints_begin; j < link.joints_end; ++j) {
    const auto& joint = m.joints[j];
    auto move = [&](int dof, const Spatial& before, bool turns) {
      const auto& d = m.dofs[dof];
      const Spatial& own = t.dof_motions[dof];
      const Wide rate = t.coupling[dof] * t.velocity[d.coordinate];
      if (turns) add_scaled(s.acceleration, rate, cross_motion(before, own));
      if (d.coupled) {
        add_scaled(s.acceleration, t.coupling_rate[dof], own);
        add_scaled(s.driven, t.coupling_rate[dof], own);
        add_scaled(t.motions[d.motion], t.coupling[dof], own);
      } else {
        t.motions[d.motion] += own;
      }
      add_scaled(s.velocity, rate, own);
    };
    if (joint.kind == JointKind::kFree) {
      for (int i = 0; i < 3; ++i) move(joint.dof + i, s.velocity, false);
    }
    const Spatial before = s.velocity;
    const int first = joint.kind == JointKind::kFree ? 3 : 0;
    const int count = joint.kind == JointKind::kFree || joint.kind == JointKind::kBall ? 3 : 1;
    for (int i = first; i < first + count; ++i) move(joint.dof + i, before, true);
  }
}

}  // namespace

void compute_kinematics(DynamicsTile& t) {
  with_tables(t, [&](const auto& m) {
    couple(t, m);
    for (std::size_t l = 0; l < m.links.size(); ++l) move_link(t, m, m.links[l], t.links[l]);
    t.origin = t.links[t.model->root_link()].place;
    for (std::size_t l = 0; l < m.links.size(); ++l) {
      compute_motions(t, m, m.links[l], t.links[l]);
      compute_velocity(t, m, m.links[l], t.links[l]);
    }
  });
}

Wide3 body_place(const DynamicsTile& t, int body) {
  return with_tables(t, [&](const auto& m) {
    const auto& at = m.bodies[body];
    if (at.link < 0) return wide(at.place);
    const LinkState& s = t.links[at.link];
    return at.apart ? s.place + s.axes * wide(at.place) : s.place;
  });
}

WideQuat body_turn(const DynamicsTile& t, int body) {
  return with_tables(t, [&](const auto& m) {
    const auto& at = m.bodies[body];
    if (at.link < 0) return wide(at.turn);
    return at.apart ? t.links[at.link].turn * wide(at.turn) : t.links[at.link].turn;
  });
}

Wide3 body_velocity(const DynamicsTile& t, int body) {
  const int link = t.model->bodies()[body].link;
  if (link < 0) return {Wide(0.0), Wide(0.0), Wide(0.0)};
  const Spatial& v = t.links[link].velocity;
  return v.linear + cross(v.angular, body_place(t, body) - t.origin);
}

Wide3 body_rate(const DynamicsTile& t, int body) {
  const int link = t.model->bodies()[body].link;
  return link < 0 ? Wide3{Wide(0.0), Wide(0.0), Wide(0.0)} : t.links[link].velocity.angular;
}

void push_bodies(const DynamicsTile& t, std::span<Wide> force) {
  const auto& links = t.model->links();
  const int bodies = static_cast<int>(t.model->bodies().size());
  for (int b = 1; b < bodies && !t.pushes.empty(); ++b) {
    const Wide3 push = three(t.pushes.data() + 6 * b), twist = three(t.pushes.data() + 6 * b + 3);
    const int link = t.model->bodies()[b].link;
    const Wide zero(0.0);
    const WideMask none = (push.x == zero) & (push.y == zero) & (push.z == zero) & (twist.x == zero) & (twist.y == zero) &
                          (twist.z == zero);
    if (link < 0 || all(none)) continue;
    const Wide3 center = with_tables(t, [&](const auto& tables) { return wide(tables.bodies[b].center); });
    const Wide3 arm = body_place(t, b) + turned(body_turn(t, b), center) - t.origin;
    const Spatial wrench{twist + cross(arm, push), push};
    for (int l = link; l >= 0; l = links[l].parent) {
      for (int p = links[l].motions_begin; p < links[l].motions_end; ++p) {
        force[t.model->motions()[p].coordinate] += dot(t.motions[p], wrench);
      }
    }
  }
}

CenterOfMass center_of_mass(const DynamicsTile& t) {
  const SpatialInertia& whole = t.links[t.model->root_link()].inertia;
  const Wide inverse = Wide(1.0) / whole.mass;
  Wide3 momentum{Wide(0.0), Wide(0.0), Wide(0.0)};
  with_tables(t, [&](const auto& m) {
    for (std::size_t l = 0; l < t.links.size(); ++l) {
      const LinkState& s = t.links[l];
      const Wide3 arm = s.place + s.axes * wide(m.links[l].center) - t.origin;
      add_scaled(momentum, Wide(m.links[l].mass), s.velocity.linear + cross(s.velocity.angular, arm));
    }
  });
  return {t.origin + inverse * whole.first, inverse * momentum};
}

}  // namespace soleus
