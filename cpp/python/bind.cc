// The files named bind alone know Python: they check shapes and dtypes, release the lock, forward to the core.
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/unique_ptr.h>
#include <nanobind/stl/vector.h>

#include "base/error.h"
#include "control/coordination.h"
#include "python/bind_data.h"
#include "python/bind_dynamics.h"
#include "python/bind_human.h"
#include "python/bind_images.h"
#include "python/bind_learn.h"
#include "rollout/probe.h"
#include "rollout/rollout.h"

namespace nb = nanobind;
using namespace nb::literals;

namespace soleus {
namespace {

template <class T, int N>
using Array = nb::ndarray<T, nb::ndim<N>, nb::c_contig, nb::device::cpu>;

std::string shape_text(const std::vector<std::size_t>& shape) {
  std::string text = "(";
  for (std::size_t i = 0; i < shape.size(); ++i) text += (i ? ", " : "") + std::to_string(shape[i]);
  return text + ")";
}

// The named array of `arrays`, checked; an empty pointer if absent.
template <class T, int N>
T* array(const nb::dict& arrays, const char* key, const std::vector<std::size_t>& shape) {
  if (!arrays.contains(key) || arrays[key].is_none()) return nullptr;
  nb::ndarray<nb::c_contig, nb::device::cpu> got;
  require(nb::try_cast(arrays[key], got, false), std::string("expected ") + key + " to be a C-contiguous array");
  std::vector<std::size_t> mine;
  for (std::size_t i = 0; i < got.ndim(); ++i) mine.push_back(got.shape(i));
  require(got.dtype() == nb::dtype<T>(), std::string("expected ") + key + " of another dtype");
  require(mine == shape, std::string("expected ") + key + " of shape " + shape_text(shape) + ", got " + shape_text(mine));
  return static_cast<T*>(got.data());
}

std::unique_ptr<Rollout> make_rollout(std::uintptr_t model, const nb::dict& human, const nb::list& clips,
                                      const nb::dict& task, const nb::dict& control, int humans, int threads,
                                      std::vector<int> cpus, std::uint64_t seed, int shard_size, int first,
                                      const nb::list& variants, std::vector<int> variant_of, const nb::dict& conditions) {
  HumanDescription h = human_data(human);
  std::vector<std::pair<const mjModel*, HumanDescription>> others;
  for (nb::handle variant : variants) {
    const auto [compiled, description] = nb::cast<std::pair<std::uintptr_t, nb::dict>>(variant);
    others.emplace_back(reinterpret_cast<const mjModel*>(compiled), human_data(description));
  }
  std::vector<MotionData> references;
  for (nb::handle clip : clips) references.push_back(motion_data(nb::cast<nb::dict>(clip)));
  ConditionedData varying;
  std::vector<std::vector<MotionData>> strides;
  if (!conditions.empty()) {
    varying.conditions = condition_data(conditions);
    for (nb::handle clip : nb::cast<nb::list>(conditions["motions"])) {
      strides.emplace_back();
      for (nb::handle stride : clip) strides.back().push_back(motion_data(nb::cast<nb::dict>(stride)));
    }
  }
  TaskData terms = task_data(task);
  ControlData how = control_data(control);
  nb::gil_scoped_release unlocked;
  auto compiled = std::make_unique<HumanModel>(reinterpret_cast<const mjModel*>(model), std::move(h));
  VariantData different;
  different.of_humans = std::move(variant_of);
  for (auto& [of, description] : others) different.models.push_back(std::make_unique<HumanModel>(of, std::move(description)));
  std::vector<std::unique_ptr<Motion>> moving;
  for (auto& reference : references) moving.push_back(std::make_unique<Motion>(*compiled, std::move(reference)));
  for (auto& clip : strides) {
    varying.strides.emplace_back();
    for (auto& stride : clip) varying.strides.back().push_back(std::make_unique<Motion>(*compiled, std::move(stride)));
  }
  return std::make_unique<Rollout>(std::move(compiled), std::move(moving), std::move(terms), how,
                                   RolloutData{humans, threads, std::move(cpus), seed, shard_size, first}, std::move(different),
                                   std::move(varying));
}

RolloutViews views_of(const Rollout& r, const nb::dict& arrays, std::size_t steps) {
  const std::size_t n = r.humans();
  const std::size_t d = r.observation_size();
  const std::size_t a = r.world().action_size();
  const std::size_t nnz = r.model().asked_crossings().size();
  const std::size_t na = r.model().asked().size();
  const std::size_t terms = r.reward_terms();
  auto cube = [&](const char* key, std::size_t times, std::size_t cols) {
    return CubeView<float>{array<float, 3>(arrays, key, {times, n, cols}), times, n, cols};
  };
  auto flags = [&](const char* key) {
    return MatrixView<std::uint8_t>{array<std::uint8_t, 2>(arrays, key, {steps, n}), steps, n};
  };
  RolloutViews v;
  v.observations = cube("observations", steps + 1, d);
  v.actions = cube("actions", steps, a);
  v.log_probs = {array<float, 2>(arrays, "log_probs", {steps, n}), steps, n};
  v.rewards = {array<float, 2>(arrays, "rewards", {steps, n}), steps, n};
  v.terminated = flags("terminated");
  v.truncated = flags("truncated");
  v.diverged = flags("diverged");
  v.final_observations = cube("final_observations", steps, d);
  v.episodes = cube("episodes", steps, kEpisodeColumns);
  v.moments = cube("moments", steps, nnz);
  v.desired = cube("desired", steps, na);
  v.passive = cube("passive", steps, na);
  v.term_sums = {array<double, 2>(arrays, "term_sums", {n, terms}), n, terms};
  const std::size_t rows = steps * r.world().control.substeps, traced = r.trace_size();
  v.trace = {array<double, 3>(arrays, "trace", {rows, n, traced}), rows, n, traced};
  v.residual_sums = {array<double, 2>(arrays, "residual_sums", {n, 3}), n, 3};
  require(v.observations && v.actions && v.rewards && v.terminated && v.truncated && v.term_sums,
          "expected observations, actions, rewards, terminated, truncated and term_sums");
  require(!v.moments == !v.desired && !v.moments == !v.passive, "expected moments, desired and passive together");
  return v;
}

// The caller's own array: a converted copy would be gone before the weights are read.
template <int N>
Array<const float, N> float_array(nb::handle given) {
  Array<const float, N> array;
  require(nb::try_cast(given, array, false),
          "expected a C-contiguous float32 array of " + std::to_string(N) + " dimensions");
  return array;
}

std::vector<LayerData> layer_data(const nb::list& layers) {
  std::vector<LayerData> data;
  for (nb::handle item : layers) {
    const auto layer = nb::cast<nb::tuple>(item);
    const auto weight = float_array<2>(layer[0]);
    const auto bias = float_array<1>(layer[1]);
    data.push_back({{weight.data(), weight.size()}, {bias.data(), bias.size()},
                    parse_activation(nb::cast<std::string>(layer[2]))});
  }
  return data;
}

NetworkData network_data(std::vector<int> widths, const std::vector<std::string>& activations) {
  NetworkData data{std::move(widths), {}};
  for (const auto& name : activations) data.activations.push_back(parse_activation(name));
  return data;
}

template <class Catalog>
nb::dict catalog_dict(const Catalog& catalog) {
  nb::dict out;
  for (const auto& kind : catalog) {
    nb::dict parameters;
    for (const auto& p : kind.parameters) parameters[p.name] = nb::make_tuple(p.value, p.meaning);
    nb::dict entry;
    entry["meaning"] = kind.meaning;
    entry["parameters"] = parameters;
    entry["needs_motion"] = kind.needs_motion;
    out[kind.name] = entry;
  }
  return out;
}

void bind_policy(nb::module_& m) {
  nb::class_<Policy>(m, "Policy", "A Gaussian policy with its observation normaliser, apart from any human.")
      .def(nb::new_([](std::vector<int> widths, const std::vector<std::string>& activations) {
        NetworkData network = network_data(std::move(widths), activations);
        return std::make_unique<Policy>(Mlp(std::move(network.widths), std::move(network.activations)));
      }), "widths"_a, "activations"_a)
      .def("load", [](Policy& p, const nb::list& layers, nb::handle mean, nb::handle std, nb::handle log_std) {
        const auto m1 = float_array<1>(mean), s = float_array<1>(std), l = float_array<1>(log_std);
        p.load(layer_data(layers), {m1.data(), m1.size()}, {s.data(), s.size()}, {l.data(), l.size()});
      }, "layers"_a, "mean"_a, "std"_a, "log_std"_a)
      .def("act", [](const Policy& p, Array<const float, 2> observations, Array<float, 2> actions) {
        const std::size_t d = p.network.inputs(), a = p.network.outputs(), n = observations.shape(0);
        require(observations.shape(1) == d && actions.shape(0) == n && actions.shape(1) == a,
                "expected observations " + shape_text({n, d}) + " and actions " + shape_text({n, a}));
        nb::gil_scoped_release unlocked;
        p.act(observations.data(), n, actions.data());
      }, "observations"_a, "actions"_a, "Writes mean actions for observations: the same bits as in a rollout.");
}

nb::dict report_dict(const Rollout& r) {
  const auto& report = r.report();
  nb::dict sections;
  for (const auto& [section, name] : kSectionNames) {
    sections[name] = report.sections[static_cast<std::size_t>(section)];
  }
  nb::dict out;
  out["sections"] = sections;
  out["wall"] = report.wall;
  out["busy"] = report.busy;
  out["alone"] = report.alone;
  return out;
}

void bind_rollout(nb::module_& m) {
  nb::class_<Rollout>(m, "Rollout", "T control steps of N humans at a time, natively.")
      .def(nb::new_(&make_rollout), "model"_a, "human"_a, "clips"_a, "task"_a, "control"_a, "humans"_a, "threads"_a,
           "cpus"_a, "seed"_a, "shard_size"_a = 0, "first"_a = 0, "variants"_a = nb::list(),
           "variant_of"_a = std::vector<int>(), "conditions"_a = nb::dict(),
           "clips: reference motions, of which each episode follows one; none where the task needs none."
           " variants: (model, human) of other numbers and the same structure; variant_of: which of them each human is."
           " conditions: what differs from human to human and is drawn as episodes begin, and the motions at other strides.")
      .def_prop_ro("observation_size", &Rollout::observation_size)
      .def_prop_ro("action_size", [](const Rollout& r) { return r.world().action_size(); })
      .def_prop_ro("episode_steps", [](const Rollout& r) { return r.world().episode_steps(); },
                   "Control steps of a whole episode.")
      .def_prop_ro("humans", &Rollout::humans)
      .def_prop_ro("threads", &Rollout::threads)
      .def_prop_ro("shards", &Rollout::shards)
      .def_prop_ro("disable_flags", [](const Rollout& r) { return r.model().mujoco()->opt.disableflags; },
                   "MuJoCo's disable flags of the model as it runs here.")
      .def("rest_actuators", [](const Rollout& r, Array<int, 1> groups) {
        const mjModel* m = r.model().mujoco();
        require(groups.shape(0) == static_cast<std::size_t>(m->nactuator), "expected a group for each actuator");
        std::copy_n(m->actuator_group, m->nactuator, groups.data());
        return m->opt.disableactuator;
      }, "groups"_a, "Writes the actuators' groups as they are here; returns the flags of those that are disabled.")
      .def_prop_ro("state_size", &Rollout::state_size)
      .def_prop_ro("trace_size", &Rollout::trace_size,
                   "Numbers of a row of the trace: mjSTATE_INTEGRATION, activations and forces [N] of the muscles, their metabolic"
                   " power [W], then torques of the exoskeleton's devices, and the human's own at their joints [N m].")
      .def_prop_ro("needs_muscle", &Rollout::needs_muscle)
      .def("set_policy", [](Rollout& r, std::vector<int> widths, const std::vector<std::string>& activations) {
        r.set_policy(network_data(std::move(widths), activations));
      }, "widths"_a, "activations"_a)
      .def("set_muscle", [](Rollout& r, std::vector<int> widths, const std::vector<std::string>& activations) {
        r.set_muscle(network_data(std::move(widths), activations));
      }, "widths"_a, "activations"_a)
      .def("load_policy", [](Rollout& r, const nb::list& layers, nb::handle mean, nb::handle std, nb::handle log_std) {
        const auto m1 = float_array<1>(mean), s = float_array<1>(std), l = float_array<1>(log_std);
        r.load_policy(layer_data(layers), {m1.data(), m1.size()}, {s.data(), s.size()}, {l.data(), l.size()});
      }, "layers"_a, "mean"_a, "std"_a, "log_std"_a)
      .def("load_muscle", [](Rollout& r, const nb::list& layers) { r.load_muscle(layer_data(layers)); }, "layers"_a)
      .def("set_deterministic", &Rollout::set_deterministic, "on"_a)
      .def("set_training", &Rollout::set_training, "on"_a)
      .def("reset", [](Rollout& r, std::uint64_t seed, Array<float, 2> observations) {
        require(observations.shape(0) == static_cast<std::size_t>(r.humans()) &&
                    observations.shape(1) == static_cast<std::size_t>(r.observation_size()),
                "expected observations of shape " +
                    shape_text({static_cast<std::size_t>(r.humans()),
                                static_cast<std::size_t>(r.observation_size())}));
        const MatrixView<float> view{observations.data(), observations.shape(0), observations.shape(1)};
        nb::gil_scoped_release unlocked;
        r.reset(seed, view);
      }, "seed"_a, "observations"_a)
      .def("set_clip_weights", [](Rollout& r, Array<const double, 1> weights) {
        r.set_clip_weights({weights.data(), weights.shape(0)});
      }, "weights"_a, "How often an episode begins with each clip.")
      .def("set_clips", &Rollout::set_clips, "of_humans"_a,
           "The clip that each human follows in all its episodes from the next one on.")
      .def("ask", [](Rollout& r, std::optional<Array<const double, 2>> values) {
        r.ask(values ? std::vector<double>(values->data(), values->data() + values->size()) : std::vector<double>());
      }, "values"_a.none(), "Values of the conditions, (N, conditions), from each human's next episode on; None: drawn again.")
      .def("set_outer", [](Rollout& r, nb::callable judge, nb::callable observe, int observations, int rewards) {
        auto call = [](nb::callable work) {
          return [work = std::move(work)](std::size_t t) {
            nb::gil_scoped_acquire locked;
            work(t);
          };
        };
        r.set_outer({observations, rewards, call(std::move(judge)), call(std::move(observe))});
      }, "judge"_a, "observe"_a, "observations"_a, "rewards"_a,
           "Lets terms be computed outside: judge(t) after all humans have moved, observe(t) after episodes have begun anew.")
      .def("look", [](const Rollout& r, const std::string& name, Array<double, 2> out) {
        for (const auto& [sight, known] : kSightNames) {
          if (name == known) return r.look(sight, {out.data(), out.shape(0), out.shape(1)});
        }
        throw InvalidInput("expected a name of sight_sizes(), got '" + name + "'");
      }, "name"_a, "out"_a, "Copies what there is to see of all humans, (N, columns).")
      .def("sight_sizes", [](const Rollout& r) {
        nb::dict sizes;
        for (const auto& [sight, name] : kSightNames) sizes[name] = r.sight_size(sight);
        return sizes;
      }, "Columns of what look() copies, by name.")
      .def("conditions", [](const Rollout& r, Array<double, 2> out) {
        r.copy_conditions({out.data(), out.shape(0), out.shape(1)});
      }, "out"_a, "Copies the values of the conditions that each human has now, (N, conditions).")
      .def("run", [](Rollout& r, const nb::dict& arrays, std::size_t steps, bool with_policy) {
        const RolloutViews views = views_of(r, arrays, steps);
        nb::gil_scoped_release unlocked;
        r.run(views, steps, with_policy);
      }, "arrays"_a, "steps"_a, "with_policy"_a)
      .def("act", [](Rollout& r, Array<float, 2> observations, Array<float, 2> actions, Array<float, 1> log_probs) {
        const std::size_t n = r.humans(), d = r.observation_size(), a = r.world().action_size();
        require(observations.shape(0) == n && observations.shape(1) == d && actions.shape(0) == n &&
                    actions.shape(1) == a && log_probs.shape(0) == n,
                "expected observations " + shape_text({n, d}) + ", actions " + shape_text({n, a}) + " and log_probs " +
                    shape_text({n}));
        RolloutViews views;
        views.observations = {observations.data(), 1, n, d};
        views.actions = {actions.data(), 1, n, a};
        views.log_probs = {log_probs.data(), 1, n};
        nb::gil_scoped_release unlocked;
        r.act(views);
      }, "observations"_a, "actions"_a, "log_probs"_a, "Writes actions and their log-densities for observations.")
      .def("run_substeps", [](Rollout& r, const nb::dict& arrays, std::size_t steps) {
        const RolloutViews views = views_of(r, arrays, steps);
        nb::gil_scoped_release unlocked;
        r.run_substeps(views, steps);
      }, "arrays"_a, "steps"_a)
      .def("save", [](const Rollout& r, Array<double, 2> states) {
        require(states.shape(0) == static_cast<std::size_t>(r.humans()) &&
                    states.shape(1) == static_cast<std::size_t>(r.state_size()), "expected states of another shape");
        r.save({states.data(), states.shape(0), states.shape(1)});
      }, "states"_a)
      .def("restore", [](Rollout& r, Array<const double, 2> states) {
        require(states.shape(0) == static_cast<std::size_t>(r.humans()) &&
                    states.shape(1) == static_cast<std::size_t>(r.state_size()), "expected states of another shape");
        r.restore({states.data(), states.shape(0), states.shape(1)});
      }, "states"_a)
      .def("qpos", [](const Rollout& r, Array<double, 2> out) {
        r.copy_qpos({out.data(), out.shape(0), out.shape(1)});
      }, "out"_a, "Copies the generalized positions, (N, nq).")
      .def("reference", [](const Rollout& r, Array<double, 2> qpos, Array<double, 1> phase) {
        r.copy_reference({qpos.data(), qpos.shape(0), qpos.shape(1)}, {phase.data(), phase.shape(0)});
      }, "qpos"_a, "phase"_a, "Copies where the motion is: poses (N, nq) and phases (N).")
      .def("profile", &Rollout::profile, "on"_a)
      .def("report", &report_dict);
}

}  // namespace
}  // namespace soleus

NB_MODULE(_core, m) {
  m.doc() = "The native core of Soleus.";
  nb::set_leak_warnings(false);  // a viewer's own thread may hold a simulation to the very end
  soleus::bind_rollout(m);
  soleus::bind_human(m);
  soleus::bind_dynamics(m);
  soleus::bind_policy(m);
  soleus::bind_images(m);
  soleus::bind_learn(m);
  m.def("time_forward", [](const std::vector<int>& widths, const std::vector<std::string>& activations, int repeats) {
    const auto network = soleus::network_data(widths, activations);
    nb::gil_scoped_release unlocked;
    return soleus::time_forward(network.widths, network.activations, repeats);
  }, "widths"_a, "activations"_a, "repeats"_a, "Median seconds of one forward pass of a tile.");
  m.def("peak_flops", &soleus::peak_flops, nb::call_guard<nb::gil_scoped_release>(),
        "Single-precision operations a second of one core.");
  m.attr("INSTRUCTION_SET") = SOLEUS_INSTRUCTION_SET;  // as the build names it
  m.attr("TILE") = soleus::Mlp::kTile;
  m.attr("OBSERVATION_CLIP") = soleus::kObservationClip;
  m.attr("TORQUE_SCALE") = soleus::kTorqueScale;
  m.attr("LEAKY_SLOPE") = soleus::kLeakySlope;
  nb::list columns;
  for (const auto& [column, name] : soleus::kEpisodeColumnNames) columns.append(name);
  m.attr("EPISODE_COLUMNS") = nb::tuple(columns);
  m.def("catalog", [] {
    nb::dict out;
    out["observation"] = soleus::catalog_dict(soleus::observation_catalog());
    out["reward"] = soleus::catalog_dict(soleus::reward_catalog());
    out["termination"] = soleus::catalog_dict(soleus::termination_catalog());
    return out;
  }, "The terms that tasks are composed of: {kind: {name: {meaning, parameters: {name: (default, meaning)}}}}.");
}
