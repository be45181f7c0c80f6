#include "python/bind_learn.h"

#include <nanobind/ndarray.h>
#include <nanobind/stl/array.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include "learn/muscle_update.h"
#include "learn/ppo_update.h"
#include "python/arrays.h"

namespace nb = nanobind;
using namespace nb::literals;

namespace soleus {
namespace {

using Rows = nb::ndarray<const std::int64_t, nb::ndim<1>, nb::c_contig, nb::device::cpu>;

// tensors: weight and bias of each layer, then what is learnt beside them.
LearntNetwork::Plain plain_of(const LearntNetwork& network, const nb::list& tensors, const char* what) {
  const auto& layers = network.net().layers();
  const std::size_t further = network.further_count();
  require(tensors.size() == 2 * layers.size() + (further > 0 ? 1 : 0), std::string("expected another number of ") + what);
  LearntNetwork::Plain plain{};
  std::size_t at = 0;
  for (const auto& layer : layers) {
    float* weight = elements<float>(tensors[at++], static_cast<std::size_t>(layer.inputs) * layer.outputs, what);
    plain.layers.push_back({weight, elements<float>(tensors[at++], layer.outputs, what)});
  }
  plain.further = further > 0 ? elements<float>(tensors[at], further, what) : nullptr;
  return plain;
}

void check_rows(RowNumbers rows, std::size_t count) {
  for (const std::int64_t row : rows) {
    require(row >= 0 && static_cast<std::size_t>(row) < count, "expected rows of the samples");
  }
}

MuscleRegressionSamples samples_of(const MuscleUpdate& update, nb::handle moments, nb::handle wanted, RowNumbers rows) {
  const std::size_t coordinates = update.crossings().coordinates;
  const std::size_t count = nb::cast<nb::ndarray<>>(wanted).size() / coordinates;
  check_rows(rows, count);
  return {count, elements<const float>(moments, count * update.crossings().muscle.size(), "moments"),
          elements<const float>(wanted, count * coordinates, "wanted torques")};
}

PpoSamples samples_of(const PpoUpdate& update, const nb::dict& given, RowNumbers rows) {
  const std::size_t count = nb::cast<nb::ndarray<>>(given["log_probs"]).size();
  check_rows(rows, count);
  const auto column = [&](const char* key) { return elements<const float>(given[key], count, key); };
  return {count,
          elements<const float>(given["observations"], count * update.policy_inputs(), "observations"),
          elements<const float>(given["actions"], count * update.head().components(), "actions"),
          column("log_probs"), column("advantages"), column("values"), column("targets")};
}

ActionKind kind_of(const std::string& name) {
  if (name == "continuous") return ActionKind::kContinuous;
  if (name == "multibinary") return ActionKind::kBits;
  require(name == "discrete" || name == "multidiscrete", "expected a kind of actions, got '" + name + "'");
  return ActionKind::kDiscrete;
}

void bind_network(nb::module_& m) {
  nb::class_<LearntNetwork>(m, "LearntNetwork", "Parameters of a network, and Adam's moments of them.")
      .def_prop_ro("steps", &LearntNetwork::steps)
      .def("load_weights", [](LearntNetwork& n, const nb::list& parameters) {
        n.load(plain_of(n, parameters, "parameters"));
      }, "parameters"_a, "Take parameters as torch has them: weight and bias of each layer, then what is learnt beside them.")
      .def("load", [](LearntNetwork& n, const nb::list& parameters, const nb::list& first, const nb::list& second,
                      long steps) {
        n.load(plain_of(n, parameters, "parameters"), plain_of(n, first, "moments"), plain_of(n, second, "moments"), steps);
      }, "parameters"_a, "first"_a, "second"_a, "steps"_a, "Take parameters and moments as torch has them.")
      .def("store", [](const LearntNetwork& n, const nb::list& parameters, const nb::list& first, const nb::list& second) {
        n.store(plain_of(n, parameters, "parameters"), plain_of(n, first, "moments"), plain_of(n, second, "moments"));
      }, "parameters"_a, "first"_a, "second"_a, "Write parameters and moments into arrays such as load() takes.");
}

void bind_muscle_update(nb::module_& m) {
  nb::class_<MuscleUpdate>(m, "MuscleUpdate", "The regression of the muscle coordination network.")
      .def("__init__", [](MuscleUpdate* self, const std::vector<int>& sizes, const std::string& activation,
                          const std::vector<int>& muscle, const std::vector<int>& coordinate, int muscles, int coordinates,
                          float torque_scale, float loss_torque, float effort, float preactivation, float max_grad_norm,
                          float adam_epsilon, int threads) {
        new (self) MuscleUpdate(TrainedMlp(sizes, parse_activation(activation)),
                                {muscle, coordinate, muscles, coordinates},
                                {torque_scale, loss_torque, effort, preactivation, max_grad_norm, adam_epsilon}, threads);
      }, nb::kw_only(), "sizes"_a, "activation"_a, "muscle"_a, "coordinate"_a, "muscles"_a, "coordinates"_a,
         "torque_scale"_a, "loss_torque"_a, "effort"_a, "preactivation"_a, "max_grad_norm"_a, "adam_epsilon"_a, "threads"_a)
      .def_prop_ro("network", &MuscleUpdate::network, nb::rv_policy::reference_internal)
      .def_prop_ro("multiply_adds", [](MuscleUpdate& u) { return u.network().net().multiply_adds(); },
                   "Of one sample's passes.")
      .def("epoch", [](MuscleUpdate& u, nb::handle moments, nb::handle wanted, const Rows& order, std::size_t size,
                       double rate, nb::handle losses) {
        const RowNumbers rows(order.data(), order.size());
        require(size > 0, "expected minibatches of one or more samples");
        const MuscleRegressionSamples given = samples_of(u, moments, wanted, rows);
        const std::size_t steps = minibatches_of(rows.size(), size);
        float* out = elements<float>(losses, steps, "losses");
        nb::gil_scoped_release unlocked;
        u.epoch(given, rows, size, rate, {out, steps});
      }, "moments"_a, "wanted"_a, "order"_a, "size"_a, "rate"_a, "losses"_a,
           "Take a step for each `size` rows of the order; fill losses (steps).")
      .def("gradient", [](MuscleUpdate& u, nb::handle moments, nb::handle wanted, const Rows& order, const nb::list& into) {
        const RowNumbers rows(order.data(), order.size());
        return u.gradient(samples_of(u, moments, wanted, rows), rows, plain_of(u.network(), into, "gradients"));
      }, "moments"_a, "wanted"_a, "rows"_a, "into"_a,
           "Write the gradient of the loss over rows, and return the loss; the parameters stay.")
      .def("residual", [](MuscleUpdate& u, nb::handle moments, nb::handle wanted) {
        const MuscleRegressionSamples given = samples_of(u, moments, wanted, {});
        nb::gil_scoped_release unlocked;
        const MuscleUpdate::Residual sums = u.residual(given);
        return std::array<double, 2>{sums.error, sums.wanted};
      }, "moments"_a, "wanted"_a, "Return the sums over the samples of |JtA a - wanted| and |wanted| [N m].");
}

}  // namespace

void bind_learn(nb::module_& m) {
  bind_network(m);
  bind_muscle_update(m);
  nb::class_<PpoUpdate>(m, "PpoUpdate", "The update of proximal policy optimization of two multilayer perceptrons.")
      .def("__init__", [](PpoUpdate* self, const std::vector<int>& policy, const std::string& policy_activation,
                          const std::vector<int>& value, const std::string& value_activation, const std::string& kind,
                          const std::vector<int>& sizes, float clip, std::optional<float> value_clip, float entropy,
                          float value_coefficient, float max_grad_norm, float adam_epsilon, int threads) {
        new (self) PpoUpdate(TrainedMlp(policy, parse_activation(policy_activation)),
                             TrainedMlp(value, parse_activation(value_activation)), ActionHead(kind_of(kind), sizes),
                             {clip, value_clip, entropy, value_coefficient, max_grad_norm, adam_epsilon}, threads);
      }, nb::kw_only(), "policy"_a, "policy_activation"_a, "value"_a, "value_activation"_a, "kind"_a, "sizes"_a, "clip"_a,
         "value_clip"_a.none(), "entropy"_a, "value_coefficient"_a, "max_grad_norm"_a, "adam_epsilon"_a, "threads"_a)
      .def_prop_ro("policy", &PpoUpdate::policy, nb::rv_policy::reference_internal)
      .def_prop_ro("value", &PpoUpdate::value, nb::rv_policy::reference_internal)
      .def_prop_ro("multiply_adds", [](const PpoUpdate& u) { return u.multiply_adds(); }, "Of one sample's passes.")
      .def("epoch", [](PpoUpdate& u, const nb::dict& samples, const Rows& order, std::size_t size, double policy_rate,
                       double value_rate, nb::handle figures) {
        const std::span rows(order.data(), order.size());
        require(size > 0, "expected minibatches of one or more samples");
        const PpoSamples given = samples_of(u, samples, rows);
        const std::size_t steps = minibatches_of(rows.size(), size);
        float* out = elements<float>(figures, steps * std::tuple_size_v<PpoUpdate::Figures>, "figures");
        nb::gil_scoped_release unlocked;
        u.epoch(given, rows, size, policy_rate, value_rate, {reinterpret_cast<PpoUpdate::Figures*>(out), steps});
      }, "samples"_a, "order"_a, "size"_a, "policy_rate"_a, "value_rate"_a, "figures"_a,
           "Take a step for each `size` rows of the order; fill figures (steps, 5).")
      .def("gradients", [](PpoUpdate& u, const nb::dict& samples, const Rows& order, const nb::list& policy,
                           const nb::list& value) {
        const std::span rows(order.data(), order.size());
        return u.gradients(samples_of(u, samples, rows), rows, plain_of(u.policy(), policy, "gradients"),
                           plain_of(u.value(), value, "gradients"));
      }, "samples"_a, "rows"_a, "policy"_a, "value"_a,
           "Write the gradients of the loss over rows, and return its figures; the parameters stay.")
      .def("values", [](PpoUpdate& u, nb::handle observations, nb::handle out) {
        const std::size_t count = nb::cast<nb::ndarray<>>(out).size();
        const float* seen = elements<const float>(observations, count * u.policy_inputs(), "observations");
        float* to = elements<float>(out, count, "values");
        nb::gil_scoped_release unlocked;
        u.values(seen, count, to);
      }, "observations"_a, "out"_a, "Fill out (M) with what the value network gives at observations (M, D).");
}

}  // namespace soleus
