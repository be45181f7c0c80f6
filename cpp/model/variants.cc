#include "model/variants.h"

#include <algorithm>
#include <string>

#include "base/error.h"

namespace soleus {
namespace {

void check(bool same, const std::string& what) {
  require(same, "expected variants of a model that differ in numbers alone, got another " + what);
}

std::string element(const mjModel* m, const char* kind, mjtObj type, int id) {
  const char* name = mj_id2name(m, type, id);
  return std::string(kind) + (name && *name ? " '" + std::string(name) + "'" : " number " + std::to_string(id));
}

void check_sizes(const mjModel* a, const mjModel* b) {
  const struct { const char* what; int own, other; } sizes[] = {
      {"bodies", static_cast<int>(a->nbody), static_cast<int>(b->nbody)},
      {"joints", static_cast<int>(a->njnt), static_cast<int>(b->njnt)},
      {"geoms", static_cast<int>(a->ngeom), static_cast<int>(b->ngeom)},
      {"sites", static_cast<int>(a->nsite), static_cast<int>(b->nsite)},
      {"tendons", static_cast<int>(a->ntendon), static_cast<int>(b->ntendon)},
      {"actuators", static_cast<int>(a->nactuator), static_cast<int>(b->nactuator)},
      {"controls", static_cast<int>(a->nu), static_cast<int>(b->nu)},
      {"activations", static_cast<int>(a->na), static_cast<int>(b->na)},
      {"equalities", static_cast<int>(a->neq), static_cast<int>(b->neq)},
      {"parts of tendons' paths", static_cast<int>(a->nwrap), static_cast<int>(b->nwrap)},
      {"contact pairs", static_cast<int>(a->npair), static_cast<int>(b->npair)},
      {"positions", static_cast<int>(a->nq), static_cast<int>(b->nq)},
      {"degrees of freedom", static_cast<int>(a->nv), static_cast<int>(b->nv)},
  };
  for (const auto& [what, own, other] : sizes) {
    check(own == other, "number of " + std::string(what) + ": " + std::to_string(other) + " for " + std::to_string(own));
  }
}

void check_parts(const mjModel* a, const mjModel* b) {
  auto each = [&](const char* kind, mjtObj type, auto count, const char* what, const auto* own, const auto* other,
                  int columns = 1) {
    for (int i = 0; i < static_cast<int>(count); ++i) {
      if (std::equal(own + columns * i, own + columns * (i + 1), other + columns * i)) continue;
      check(false, std::string(what) + " of " + element(a, kind, type, i));
    }
  };
  each("body", mjOBJ_BODY, a->nbody, "parent", a->body_parentid, b->body_parentid);
  each("body", mjOBJ_BODY, a->nbody, "number of joints", a->body_jntnum, b->body_jntnum);
  each("joint", mjOBJ_JOINT, a->njnt, "type", a->jnt_type, b->jnt_type);
  each("joint", mjOBJ_JOINT, a->njnt, "body", a->jnt_bodyid, b->jnt_bodyid);
  each("joint", mjOBJ_JOINT, a->njnt, "limited", a->jnt_limited, b->jnt_limited);
  each("geom", mjOBJ_GEOM, a->ngeom, "type", a->geom_type, b->geom_type);
  each("geom", mjOBJ_GEOM, a->ngeom, "body", a->geom_bodyid, b->geom_bodyid);
  each("geom", mjOBJ_GEOM, a->ngeom, "contype", a->geom_contype, b->geom_contype);
  each("geom", mjOBJ_GEOM, a->ngeom, "conaffinity", a->geom_conaffinity, b->geom_conaffinity);
  each("geom", mjOBJ_GEOM, a->ngeom, "condim", a->geom_condim, b->geom_condim);
  each("contact pair", mjOBJ_PAIR, a->npair, "condim", a->pair_dim, b->pair_dim);
  each("contact pair", mjOBJ_PAIR, a->npair, "first geom", a->pair_geom1, b->pair_geom1);
  each("contact pair", mjOBJ_PAIR, a->npair, "second geom", a->pair_geom2, b->pair_geom2);
  each("site", mjOBJ_SITE, a->nsite, "body", a->site_bodyid, b->site_bodyid);
  each("tendon", mjOBJ_TENDON, a->ntendon, "number of parts", a->tendon_num, b->tendon_num);
  for (int t = 0; t < a->ntendon; ++t) {
    const int begin = a->tendon_adr[t], end = begin + a->tendon_num[t];
    const bool same = std::equal(a->wrap_type + begin, a->wrap_type + end, b->wrap_type + begin) &&
                      std::equal(a->wrap_objid + begin, a->wrap_objid + end, b->wrap_objid + begin);
    check(same, "path of " + element(a, "tendon", mjOBJ_TENDON, t));
  }
  each("actuator", mjOBJ_ACTUATOR, a->nactuator, "transmission", a->actuator_trntype, b->actuator_trntype);
  each("actuator", mjOBJ_ACTUATOR, a->nactuator, "target", a->actuator_trnid, b->actuator_trnid, 2);
  each("actuator", mjOBJ_ACTUATOR, a->nactuator, "dyntype", a->actuator_dyntype, b->actuator_dyntype);
  each("actuator", mjOBJ_ACTUATOR, a->nactuator, "gaintype", a->actuator_gaintype, b->actuator_gaintype);
  each("actuator", mjOBJ_ACTUATOR, a->nactuator, "biastype", a->actuator_biastype, b->actuator_biastype);
  each("equality", mjOBJ_EQUALITY, a->neq, "type", a->eq_type, b->eq_type);
  each("equality", mjOBJ_EQUALITY, a->neq, "first part", a->eq_obj1id, b->eq_obj1id);
  each("equality", mjOBJ_EQUALITY, a->neq, "second part", a->eq_obj2id, b->eq_obj2id);
}

// What the caller says about the person, but its numbers.
void check_description(const HumanModel& a, const HumanModel& b) {
  check(a.dof_coordinate == b.dof_coordinate && a.coordinate_dof == b.coordinate_dof && a.dof_coupled == b.dof_coupled,
        "set of coordinates");
  check(a.spline_adr == b.spline_adr, "number of pieces of splines that joints follow");
  check(a.actuated == b.actuated && a.direct == b.direct, "set of actuated coordinates");
  check(a.muscle_actuator == b.muscle_actuator && a.polylines.adr == b.polylines.adr && a.polylines.body == b.polylines.body &&
            a.polylines.spread == b.polylines.spread && a.muscles_act == b.muscles_act &&
            a.hill.max_force.size() == b.hill.max_force.size(),
        "set of muscles");
  check(!a.has_hill() || (a.fitted.coefficient == b.fitted.coefficient && a.fitted.centre == b.fitted.centre &&
                          a.fitted.half == b.fitted.half && a.fitted.muscle == b.fitted.muscle),
        "set of polynomials for the lengths of muscles");
  check(a.crossing_adr == b.crossing_adr && a.crossing == b.crossing, "set of coordinates that muscles cross");
  check(a.root_body == b.root_body && a.head_body == b.head_body && a.feet == b.feet, "root, head or feet");
  check(a.tracked_bodies == b.tracked_bodies && a.end_effectors == b.end_effectors, "set of tracked bodies");
  check(a.mirror_coordinate == b.mirror_coordinate && a.mirror_sign == b.mirror_sign && a.mirror_muscle == b.mirror_muscle &&
            a.mirror_motor == b.mirror_motor && a.mirror_tracked == b.mirror_tracked,
        "mirror image");
  check(a.motor_control == b.motor_control, "set of motors");
  check(a.tied == b.tied && a.tied_to == b.tied_to, "set of tied bodies");
  check(a.lower.empty() == b.lower.empty(), "set of limits by axis");
}

}  // namespace

void check_variant(const HumanModel& model, const HumanModel& variant) {
  const mjModel *a = model.mujoco(), *b = variant.mujoco();
  check_sizes(a, b);
  check_parts(a, b);
  check_description(model, variant);
  require(a->opt.timestep == b->opt.timestep, "expected variants of a model with its time step, " +
                                                  std::to_string(a->opt.timestep) + " s, got " +
                                                  std::to_string(b->opt.timestep) + " s");
}

}  // namespace soleus
