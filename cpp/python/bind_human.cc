// Python's face of one human, for what is looked at a pose at a time: tests, pictures, benchmarks.
#include "python/bind_human.h"

#include <nanobind/ndarray.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/unique_ptr.h>
#include <nanobind/stl/vector.h>

#include "base/error.h"
#include "model/varied_human.h"
#include "python/bind_data.h"
#include "rollout/human_state.h"
#include "rollout/onlooker.h"
#include "rollout/probe.h"

namespace nb = nanobind;
using namespace nb::literals;

namespace soleus {
namespace {

using Doubles = nb::ndarray<const double, nb::ndim<1>, nb::c_contig, nb::device::cpu>;

std::span<const double> vector_of(const Doubles& array, std::size_t size, const char* what) {
  require(array.size() == size, std::string("expected ") + what + " of length " + std::to_string(size) + ", got " +
                                    std::to_string(array.size()));
  return {array.data(), array.size()};
}

nb::object array_of(std::vector<double> values, std::vector<std::size_t> shape) {
  auto* kept = new std::vector<double>(std::move(values));
  nb::capsule owner(kept, [](void* p) noexcept { delete static_cast<std::vector<double>*>(p); });
  return nb::cast(nb::ndarray<nb::numpy, double>(kept->data(), shape.size(), shape.data(), owner));
}

nb::object array_of(std::vector<double> values) {
  const std::size_t size = values.size();
  return array_of(std::move(values), {size});
}

// A human's model and one state of it, which refers to the model.
struct Subject {
  Subject(const mjModel* compiled, HumanDescription data) : model(compiled, std::move(data)), state(model) {}
  HumanModel model;
  HumanState state;
};

template <std::size_t N>
using Rows = nb::ndarray<double, nb::ndim<N>, nb::c_contig, nb::device::cpu>;

void see(Onlooker& onlooker, nb::ndarray<const double, nb::ndim<2>, nb::c_contig, nb::device::cpu> states, Rows<2> qpos,
         Rows<2> qvel, Rows<4> ground) {
  const std::size_t count = states.shape(0), width = states.shape(1);
  require(width >= static_cast<std::size_t>(onlooker.state_size()), "expected states of the model");
  const auto nq = static_cast<std::size_t>(onlooker.nq()), nv = static_cast<std::size_t>(onlooker.nv());
  require(qpos.shape(0) == count && qpos.shape(1) == nq && qvel.shape(0) == count && qvel.shape(1) == nv &&
              ground.size() == count * kFeet * 9 && ground.shape(0) == count,
          "expected arrays of qpos, qvel and ground reactions for each state");
  nb::gil_scoped_release unlocked;
  for (std::size_t t = 0; t < count; ++t) {
    const Reactions found = onlooker.see(states.data() + t * width, qpos.data() + t * nq, qvel.data() + t * nv);
    double* out = ground.data() + t * kFeet * 9;
    for (const FootReaction& foot : found) {
      for (const auto* part : {&foot.force, &foot.pressure, &foot.moment}) out = std::copy(part->begin(), part->end(), out);
    }
  }
}

nb::object muscle_points(Subject& s) {
  require(s.model.has_polylines(), "expected muscles that are polylines");
  const PathState& path = s.state.paths();
  std::vector<double> points;
  for (std::size_t i = 0; i < path.px.size(); ++i) points.insert(points.end(), {path.px[i], path.py[i], path.pz[i]});
  return array_of(std::move(points), {path.px.size(), 3});
}

nb::object muscle_torques(Subject& s) {
  std::vector<double> moments(s.model.num_crossings()), passive(s.model.num_actuated());
  s.state.muscle_torques(moments, passive);
  return nb::make_tuple(array_of(std::move(moments)), array_of(std::move(passive)));
}

nb::dict vary(std::uintptr_t model, const nb::dict& human, const nb::dict& conditions, const std::vector<double>& values,
              std::uintptr_t out) {
  const HumanModel base(reinterpret_cast<const mjModel*>(model), human_data(human));
  const ConditionData data = condition_data(conditions);
  const mjModel* m = base.mujoco();
  data.check(static_cast<int>(m->nbody), base.num_muscles(), static_cast<int>(m->nv), static_cast<int>(m->njnt));
  require(values.size() == data.all.size(), "expected a value of each condition");
  VariedHuman varied(base, data);
  varied.vary(values);
  const HumanModel& own = varied.model();
  auto* to = reinterpret_cast<mjModel*>(out);
  const mjOption options = to->opt;
  const std::vector<int> groups(to->actuator_group, to->actuator_group + to->nactuator);
  mj_copyModel(to, own.mujoco());
  varied.stretch_meshes(to);
  to->opt = options;
  std::copy_n(own.mujoco()->opt.gravity, 3, to->opt.gravity);
  std::copy(groups.begin(), groups.end(), to->actuator_group);
  nb::dict facts, paths, hill;
  facts["mass"] = own.mass();
  facts["root_height"] = own.root_height;
  facts["head_height"] = own.head_height;
  for (const auto& [name, numbers] : {std::pair{"qpos_rest", &own.qpos_rest}, {"kp", &own.kp}, {"kd", &own.kd},
                                      {"torque_limit", &own.torque_limit}, {"lower", &own.lower}, {"upper", &own.upper},
                                      {"dof_polynomial", &own.dof_polynomial}}) {
    facts[name] = *numbers;
  }
  for (const auto& [name, numbers] : {std::pair{"max_force", &own.polylines.max_force}, {"local", &own.polylines.local},
                                      {"own_length", &own.polylines.own_length}}) {
    paths[name] = *numbers;
  }
  for (const auto& [name, numbers] : {std::pair{"max_force", &own.hill.max_force}, {"optimal", &own.hill.optimal},
                                      {"slack", &own.hill.slack}}) {
    hill[name] = *numbers;
  }
  facts["polylines"] = paths;
  facts["hill"] = hill;
  return facts;
}

}  // namespace

void bind_human(nb::module_& m) {
  m.def("vary", &vary, "model"_a, "human"_a, "conditions"_a, "values"_a, "out"_a,
        "Copies a model into `out` with the numbers that values of conditions make; returns the person's that changed.");
  m.def("gait_of", [](double speed, double stride, double cadence, double of_speed, double legs) {
    const Gait gait = gait_of({speed, stride, cadence}, of_speed, legs);
    return nb::make_tuple(gait.stride, gait.cadence);
  }, "speed"_a, "stride"_a, "cadence"_a, "of_speed"_a, "legs"_a,
        "Stride and cadence, over those of a motion of a speed, that conditions of the gait ask for; 0: not asked.");
  nb::class_<Subject>(m, "HumanState", "One human at a pose.")
      .def(nb::new_([](std::uintptr_t model, const nb::dict& human) {
        return std::make_unique<Subject>(reinterpret_cast<const mjModel*>(model), human_data(human));
      }), "model"_a, "human"_a)
      .def("reset", [](Subject& s, const Doubles& qpos, const Doubles& qvel) {
        const mjModel* model = s.model.mujoco();
        s.state.reset(vector_of(qpos, model->nq, "qpos"), vector_of(qvel, model->nv, "qvel"));
      }, "qpos"_a, "qvel"_a)
      .def_prop_ro("positions", [](const Subject& s) {
        return array_of({s.state.positions().begin(), s.state.positions().end()});
      }, "Coordinates (nc).")
      .def_prop_ro("qpos", [](const Subject& s) {
        return array_of({s.state.data()->qpos, s.state.data()->qpos + s.model.mujoco()->nq});
      })
      .def_prop_ro("qvel", [](const Subject& s) {
        return array_of({s.state.data()->qvel, s.state.data()->qvel + s.model.mujoco()->nv});
      })
      .def_prop_ro("muscle_lengths", [](Subject& s) { return array_of(s.state.paths().length); },
                   "(nm) of polylines over those at qpos0, of Hill-type muscles [m].")
      .def_prop_ro("muscle_points", &muscle_points, "(nw, 3) waypoints of such paths [m].")
      .def("muscle_torques", &muscle_torques, "Moments at full activation (nnz) and passive torque (na) [N m].")
      .def("coordinates", [](const Subject& s, const Doubles& qpos) {
        std::vector<double> out(s.model.num_coordinates());
        s.model.positions(vector_of(qpos, s.model.mujoco()->nq, "qpos").data(), out.data());
        return array_of(std::move(out));
      }, "qpos"_a, "Coordinates (nc) of a pose (nq).")
      .def("stable_pd", [](Subject& s, const Doubles& target) {
        std::vector<double> torque(s.model.num_actuated());
        s.state.stable_pd(vector_of(target, s.model.num_coordinates(), "target"), torque);
        return array_of(std::move(torque));
      }, "target"_a, "Torque (na) [N m] towards the coordinates (nc) of a pose.")
      .def("apply_activations", [](Subject& s, const Doubles& a) {
        s.state.apply_activations(vector_of(a, s.model.num_muscles(), "activations"), false);
      }, "activation"_a)
      .def("apply_torque", [](Subject& s, const Doubles& torque) {
        s.state.apply_torque(vector_of(torque, s.model.num_actuated(), "torque"));
      }, "torque"_a)
      .def("step", [](Subject& s, bool muscles) {
        if (muscles) s.state.pull_muscles();
        s.state.advance(true);
      }, "muscles"_a, "Step the physics once, under the muscles or under the torque applied.")
      .def("time_muscles", [](Subject& s, int repeats) { return time_muscles(s.state, repeats); }, "repeats"_a,
           "Seconds for lengths, moments and forces of all muscles, median.")
      .def("time_stable_pd", [](Subject& s, int repeats) { return time_stable_pd(s.state, repeats); }, "repeats"_a,
           "Seconds for the torque of stable PD, median.");
  nb::class_<Onlooker>(m, "Onlooker", "Reads states of one human; the model has to outlive it.")
      .def(nb::new_([](std::uintptr_t model, std::vector<int> foot, std::vector<int> own) {
        return std::make_unique<Onlooker>(reinterpret_cast<const mjModel*>(model), std::move(foot), std::move(own));
      }), "model"_a, "foot"_a, "own"_a)
      .def("see", &see, "states"_a, "qpos"_a, "qvel"_a, "ground"_a,
           "Rows (T, n) that begin with mjSTATE_INTEGRATION. Writes qpos (T, nq), qvel (T, nv), and of the right and of the left"
           " foot force, centre of pressure and moment about it, (T, 2, 3, 3).");
}

}  // namespace soleus
