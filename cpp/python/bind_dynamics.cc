// Python's face of the dynamics in lanes, for what looks at a state at a time: tests and benchmarks.
#include "python/bind_dynamics.h"

#include <nanobind/ndarray.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/unique_ptr.h>
#include <nanobind/stl/vector.h>

#include <algorithm>
#include <chrono>
#include <functional>

#include "base/error.h"
#include "dynamics/kinematics.h"
#include "dynamics/step.h"
#include "python/bind_data.h"
#include "rollout/lane_model.h"

namespace nb = nanobind;
using namespace nb::literals;

namespace soleus {
namespace {

using Doubles = nb::ndarray<const double, nb::ndim<1>, nb::c_contig, nb::device::cpu>;
using Rows = nb::ndarray<const double, nb::ndim<2>, nb::c_contig, nb::device::cpu>;

nb::object array_of(std::vector<double> values, std::vector<std::size_t> shape) {
  auto* kept = new std::vector<double>(std::move(values));
  nb::capsule owner(kept, [](void* p) noexcept { delete static_cast<std::vector<double>*>(p); });
  return nb::cast(nb::ndarray<nb::numpy, double>(kept->data(), shape.size(), shape.data(), owner));
}

// (lanes, count)
nb::object by_lane(std::span<const Wide> values) {
  std::vector<double> out;
  for (int lane = 0; lane < kLanes; ++lane) {
    for (Wide x : values) out.push_back(x[lane]);
  }
  return array_of(std::move(out), {static_cast<std::size_t>(kLanes), values.size()});
}

struct Tile {
  Tile(const mjModel* compiled, HumanDescription data, bool with_muscles)
      : human(compiled, std::move(data)), model(human, with_muscles), tile(model.dynamics) {
    if (with_muscles) muscles.emplace(*model.muscles);
  }
  void update() {
    update_positions(tile);
    if (muscles) update_muscles(*muscles, tile);
  }
  void give(int lane, const LaneModel& variant) {
    tile.give(lane, variant.dynamics);
    if (muscles) muscles->give(lane, *variant.muscles);
  }
  const LaneMuscles& own_muscles() const {
    require(muscles.has_value(), "expected a tile with muscles");
    return *muscles;
  }
  HumanModel human;
  LaneModel model;
  DynamicsTile tile;
  std::optional<LaneMuscles> muscles;
};

nb::object dense_inertia(const Tile& t) {
  const int nc = t.model.dynamics.coordinates();
  std::vector<double> out(static_cast<std::size_t>(kLanes) * nc * nc, 0.0);
  for (int i = 0; i < nc; ++i) {
    for (int j = 0; j <= i; ++j) {
      const int slot = t.model.dynamics.pattern().slot(i, j);
      for (int lane = 0; slot >= 0 && lane < kLanes; ++lane) {
        out[(lane * nc + i) * nc + j] = out[(lane * nc + j) * nc + i] = t.tile.inertia[slot][lane];
      }
    }
  }
  const std::size_t n = nc;
  return array_of(std::move(out), {static_cast<std::size_t>(kLanes), n, n});
}

void set_wide(std::span<Wide> out, const Rows& rows, const char* what) {
  require(rows.shape(0) == static_cast<std::size_t>(kLanes) && rows.shape(1) == out.size(),
          std::string("expected ") + what + " of shape (" + std::to_string(kLanes) + ", " + std::to_string(out.size()) + ")");
  for (int lane = 0; lane < kLanes; ++lane) {
    for (std::size_t i = 0; i < out.size(); ++i) out[i].set(lane, rows(lane, i));
  }
}

nb::object body_frames(const Tile& t) {
  std::vector<double> out;
  const int bodies = t.human.mujoco()->nbody;
  std::vector<Wide> all;
  for (int b = 0; b < bodies; ++b) {
    const Wide3 p = body_place(t.tile, b), v = body_velocity(t.tile, b), w = body_rate(t.tile, b);
    const WideQuat q = body_turn(t.tile, b);
    for (Wide x : {p.x, p.y, p.z, q.w, q.x, q.y, q.z, w.x, w.y, w.z, v.x, v.y, v.z}) all.push_back(x);
  }
  for (int lane = 0; lane < kLanes; ++lane) {
    for (Wide x : all) out.push_back(x[lane]);
  }
  return array_of(std::move(out), {static_cast<std::size_t>(kLanes), static_cast<std::size_t>(bodies), 13});
}

double time_of(const std::function<void()>& work, int repeats) {
  std::vector<double> seconds;
  for (int i = 0; i < repeats; ++i) {
    const auto start = std::chrono::steady_clock::now();
    work();
    seconds.push_back(std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
  }
  std::nth_element(seconds.begin(), seconds.begin() + seconds.size() / 2, seconds.end());
  return seconds[seconds.size() / 2];
}

}  // namespace

void bind_dynamics(nb::module_& m) {
  m.attr("LANES") = kLanes;
  m.def("uncovered_by_lanes", [](std::uintptr_t model, const nb::dict& human, bool muscles) {
    return LaneModel::uncovered(HumanModel(reinterpret_cast<const mjModel*>(model), human_data(human)), muscles);
  }, "model"_a, "human"_a, "muscles"_a, "Why the lanes do not cover a model, an element each; empty: they do.");
  nb::class_<Tile>(m, "DynamicsTile", "LANES humans at poses of their own: the dynamics in lanes.")
      .def(nb::new_([](std::uintptr_t model, const nb::dict& human, bool muscles) {
        return std::make_unique<Tile>(reinterpret_cast<const mjModel*>(model), human_data(human), muscles);
      }), "model"_a, "human"_a, "muscles"_a = false)
      .def("give", [](Tile& t, int lane, std::uintptr_t model, const nb::dict& human) {
        require(lane >= 0 && lane < kLanes,
                "expected a lane from 0 to " + std::to_string(kLanes - 1) + ", got " + std::to_string(lane));
        const HumanModel variant(reinterpret_cast<const mjModel*>(model), human_data(human));
        t.give(lane, LaneModel(variant, t.muscles.has_value()));
      }, "lane"_a, "model"_a, "human"_a,
           "Gives a lane the numbers of a variant of the model: another model of the same structure. set() has to follow.")
      .def("set", [](Tile& t, const Rows& qpos, const Rows& qvel) {
        const mjModel* model = t.human.mujoco();
        require(qpos.shape(0) == static_cast<std::size_t>(kLanes) && qpos.shape(1) == static_cast<std::size_t>(model->nq) &&
                    qvel.shape(0) == qpos.shape(0) && qvel.shape(1) == static_cast<std::size_t>(model->nv),
                "expected positions (lanes, nq) and velocities (lanes, nv)");
        for (int lane = 0; lane < kLanes; ++lane) {
          t.tile.set(lane, {&qpos(lane, 0), qpos.shape(1)}, {&qvel(lane, 0), qvel.shape(1)});
        }
        t.update();
      }, "qpos"_a, "qvel"_a, "States of all lanes; coupled joints follow.")
      .def("warm_start", [](Tile& t, const Rows& acceleration) { set_wide(t.tile.acceleration, acceleration, "accelerations"); },
           "acceleration"_a)
      .def("apply", [](Tile& t, const Rows& force) { set_wide(t.tile.applied, force, "forces"); }, "force"_a)
      .def("step", [](Tile& t, int steps) { for (int i = 0; i < steps; ++i) step(t.tile); }, "steps"_a = 1)
      .def_prop_ro("inertia", &dense_inertia, "(lanes, nc, nc)")
      .def_prop_ro("bias", [](const Tile& t) { return by_lane(t.tile.bias); }, "(lanes, nc)")
      .def_prop_ro("passive", [](const Tile& t) { return by_lane(t.tile.passive); }, "(lanes, nc)")
      .def_prop_ro("qpos", [](const Tile& t) { return by_lane(t.tile.qpos); }, "(lanes, nq)")
      .def_prop_ro("velocity", [](const Tile& t) { return by_lane(t.tile.velocity); }, "(lanes, nc)")
      .def_prop_ro("coupling", [](const Tile& t) { return by_lane(t.tile.coupling); }, "(lanes, nv)")
      .def_prop_ro("coupling_rate", [](const Tile& t) { return by_lane(t.tile.coupling_rate); }, "(lanes, nv)")
      .def_prop_ro("acceleration", [](const Tile& t) { return by_lane(t.tile.acceleration); }, "(lanes, nc) of the last step")
      .def_prop_ro("constraint", [](const Tile& t) { return by_lane(t.tile.constraint); }, "(lanes, nc) of the last step")
      .def_prop_ro("foot_force", [](const Tile& t) { return by_lane(t.tile.foot_force); }, "(lanes, feet) of the last step")
      .def_prop_ro("iterations", [](const Tile& t) { return t.tile.iterations; })
      .def_prop_ro("diverged", [](const Tile& t) {
        std::vector<bool> out;
        for (int lane = 0; lane < kLanes; ++lane) out.push_back(t.tile.diverged[lane]);
        return out;
      })
      .def_prop_ro("bodies", &body_frames, "(lanes, nbody, 13) place, turn, rate and velocity of frames")
      .def_prop_ro("muscle_lengths", [](const Tile& t) { return by_lane(t.own_muscles().length); }, "(lanes, nm) [m]")
      .def_prop_ro("muscle_speeds", [](const Tile& t) { return by_lane(t.own_muscles().speed); }, "(lanes, nm) [m/s]")
      .def_prop_ro("muscle_moments", [](const Tile& t) { return by_lane(t.own_muscles().moment); }, "(lanes, nnz) [m]")
      .def_prop_ro("muscle_gains", [](const Tile& t) { return by_lane(t.own_muscles().gain); }, "(lanes, nm) [N]")
      .def_prop_ro("muscle_biases", [](const Tile& t) { return by_lane(t.own_muscles().bias); }, "(lanes, nm) [N]")
      .def("time_muscles", [](Tile& t, int repeats) {
        return time_of([&] { update_muscles(*t.muscles, t.tile); }, repeats);
      }, "repeats"_a, "Seconds for the muscles of a tile, median.")
      .def("time_positions", [](Tile& t, int repeats) { return time_of([&] { update_positions(t.tile); }, repeats); }, "repeats"_a,
           "Seconds for the positions of a tile, median.")
      .def("time_step", [](Tile& t, int repeats) { return time_of([&] { step(t.tile); }, repeats); }, "repeats"_a,
           "Seconds for a step of a tile, median.");
}

}  // namespace soleus
