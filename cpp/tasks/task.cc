#include "tasks/task.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "base/error.h"

namespace soleus {
namespace {

template <class Kind>
const Kind& find_kind(const std::vector<Kind>& catalog, const std::string& name, const char* what) {
  std::string known;
  for (const Kind& kind : catalog) {
    if (name == kind.name) return kind;
    known += (known.empty() ? "" : ", ") + std::string(kind.name);
  }
  throw InvalidInput("expected " + std::string(what) + " out of " + known + "; got '" + name + "'");
}

std::vector<double> resolve(const std::vector<Parameter>& parameters, const TermData& data) {
  std::vector<double> values;
  for (const Parameter& p : parameters) values.push_back(p.value);
  for (const auto& [name, value] : data.parameters) {
    const auto found = std::find_if(parameters.begin(), parameters.end(),
                                    [&, &key = name](const Parameter& p) { return key == p.name; });
    require(found != parameters.end(), "expected a parameter of " + data.name + ", got '" + name + "'");
    values[found - parameters.begin()] = value;
  }
  return values;
}

}  // namespace

Task::Task(const HumanModel& human, TaskData data, bool has_motion, int conditions) : data_(std::move(data)) {
  auto fill = [&](auto& terms, const auto& catalog, const std::vector<TermData>& wanted, const char* what) {
    for (const TermData& term : wanted) {
      const auto& kind = find_kind(catalog, term.name, what);
      require(has_motion || !kind.needs_motion, "expected a motion for the term " + term.name + ", got none");
      terms.push_back({&kind, resolve(kind.parameters, term), term.weight, 0});
    }
  };
  fill(observations_, observation_catalog(), data_.observations, "an observation term");
  fill(rewards_, reward_catalog(), data_.rewards, "a reward term");
  fill(terminations_, termination_catalog(), data_.terminations, "a termination term");
  require(rewards_.size() <= kMaxRewards, "expected at most " + std::to_string(kMaxRewards) + " reward terms, got " +
                                              std::to_string(rewards_.size()));
  for (const auto& term : rewards_) {
    require(data_.combine == Combine::kSum || term.weight >= 0,
            "expected weights of 0 or more in a product of rewards, got " + std::to_string(term.weight) + " for " +
                term.kind->name);
  }
  remember(observations_);
  remember(rewards_);
  require(has_motion || !data_.start_on_reference, "expected a motion to start on, got none");
  for (auto& term : observations_) {
    term.size = term.kind->size ? term.kind->size(human) : conditions;
    require(term.size > 0 || term.kind->size, "expected conditions for the term " + std::string(term.kind->name) + ", got none");
    for (int i = 0; i < term.size && term.kind->sensed; ++i) sensed_.push_back(observation_size_ + i);
    observation_size_ += term.size;
  }
  require(observation_size_ > 0, "expected at least one observation term, got none");
}

template <class Terms>
void Task::remember(const Terms& terms) {
  for (const auto& term : terms) {
    const auto& p = term.parameters;
    loads_ |= term.kind->remembered == Remembered::kLoads;
    if (term.kind->remembered == Remembered::kPlaces) {
      require(p[0] > 0 && p[0] <= kMostLaps, "expected laps above 0 and up to " + std::to_string(kMostLaps) + " for " +
                                                 term.kind->name + ", got " + std::to_string(p[0]));
      remembered_laps_ = std::max(remembered_laps_, p[0]);
    }
    if (term.kind->remembered == Remembered::kSteps) {
      const Stances stances{true, p[0], p[1]};
      require(0 <= p[0] && p[0] < p[1] && p[1] <= 1, std::string("expected right_from below right_to, both from 0 to 1, for ") +
                                                         term.kind->name + ", got " + std::to_string(p[0]) + " and " +
                                                         std::to_string(p[1]));
      require(!stances_.used || stances_ == stances, "expected the same right_from and right_to in all terms of steps");
      stances_ = stances;
    }
  }
}

Memory Task::make_memory(double lap, double control_dt) const {
  return {static_cast<int>(std::ceil(remembered_laps_ * lap / control_dt)), stances_, loads_};
}

int Task::episode_steps(double control_dt) const {
  return std::max(1, static_cast<int>(std::lround(data_.episode_seconds / control_dt)));
}

void Task::observe(const Scene& scene, float* out) const {
  for (const auto& term : observations_) {
    term.kind->write(scene, term.parameters.data(), out);
    out += term.size;
  }
}

double Task::reward(const Scene& scene, double costs, double* sums) const {
  std::array<double, kMaxRewards> values;
  double total = data_.combine == Combine::kSum ? 0.0 : 1.0;
  for (std::size_t i = 0; i < rewards_.size(); ++i) {
    const auto& term = rewards_[i];
    values[i] = term.kind->value(scene, term.parameters.data());
    if (data_.combine == Combine::kSum) {
      total += (term.weight < 0 ? costs * term.weight : term.weight) * values[i];
    } else {
      total *= std::pow(values[i], term.weight);
    }
  }
  if (std::isfinite(total)) {
    for (std::size_t i = 0; i < rewards_.size(); ++i) sums[i] += values[i];
  }
  return total;
}

const char* Task::ending(const Scene& scene) const {
  for (const auto& term : terminations_) {
    if (term.kind->met(scene, term.parameters.data())) return term.kind->name;
  }
  return nullptr;
}

}  // namespace soleus
