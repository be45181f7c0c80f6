// Of HumanModel: polynomials of muscles' lengths, and the muscles that have no other path.
#include <algorithm>
#include <numbers>
#include <string>

#include "base/error.h"
#include "model/human_model.h"

namespace soleus {
namespace {

bool rising(const std::vector<int>& adr, std::size_t end) {
  return !adr.empty() && adr.front() == 0 && std::is_sorted(adr.begin(), adr.end()) && adr.back() == static_cast<int>(end);
}

bool within(const std::vector<int>& values, int end) {
  return std::all_of(values.begin(), values.end(), [end](int x) { return x >= 0 && x < end; });
}

}  // namespace

void HumanModel::check_fitted() const {
  const FittedPathData& f = fitted;
  if (f.coordinate_adr.empty() && f.muscle.empty()) return;
  require(rising(f.coordinate_adr, f.coordinate.size()) && rising(f.muscle_adr, f.muscle.size()) &&
              rising(f.coefficient_adr, f.coefficient.size()) && f.muscle_adr.size() == f.coordinate_adr.size() &&
              f.coefficient_adr.size() == f.muscle.size() + 1,
          "expected fitted paths whose addresses rise from 0 to the number of what they are addresses of");
  require_size(f.centre.size(), f.coordinate.size(), "fitted centre");
  require_size(f.half.size(), f.coordinate.size(), "fitted half");
  require(within(f.coordinate, num_coordinates()) && within(f.muscle, num_muscles()),
          "expected fitted paths of muscles and coordinates that there are");
  require(std::all_of(f.half.begin(), f.half.end(), [](double x) { return x > 0; }), "expected fitted paths over ranges");
  for (const auto* of_cells : {&f.low, &f.high}) {
    require(of_cells->empty() || of_cells->size() == f.coordinate.size(), "expected the cells of all fitted paths");
  }
  require(f.squared.size() == f.offset.size() && (f.squared.empty() || f.squared.size() == f.muscle.size()),
          "expected what all fitted paths are polynomials of");
}

void HumanModel::check_hill() const {
  const std::size_t nm = num_muscles();
  for (const auto* each : {&hill.max_force, &hill.optimal, &hill.slack, &hill.pennation, &hill.fastest, &hill.activation,
                           &hill.deactivation, &hill.control_low, &hill.control_high}) {
    require_size(each->size(), nm, "parameters of Hill-type muscles");
  }
  std::vector<bool> has_path(nm, false);
  for (int k : fitted.muscle) has_path[k] = true;
  for (std::size_t k = 0; k < nm; ++k) {
    const std::string name = "muscle number " + std::to_string(k);
    require(hill.max_force[k] >= 0 && hill.optimal[k] > 0 && hill.slack[k] >= 0 && hill.fastest[k] > 0 &&
                hill.activation[k] > 0 && hill.deactivation[k] > 0,
            "expected positive parameters of " + name);
    require(hill.pennation[k] >= 0 && hill.pennation[k] < 0.5 * std::numbers::pi, "expected a pennation angle of " + name);
    require(has_path[k], "expected a fitted path of " + name);
  }
}

void HumanModel::build_hill() {
  for (int k = 0; k < num_muscles(); ++k) {
    muscles_.push_back({-1, -1, -1, true});
    activation_steps_.push_back(hill.activation[k] / model_->opt.timestep);
    deactivation_steps_.push_back(hill.deactivation[k] / model_->opt.timestep);
  }
}

void HumanModel::build_fitted() {
  const FittedPathData& data = fitted;
  std::vector<int> coordinate_qpos(num_coordinates(), -1);
  for (const Scalar& s : scalars_) coordinate_qpos[s.coordinate] = s.qpos;
  for (std::size_t g = 0; g + 1 < data.coordinate_adr.size(); ++g) {
    const int first = data.coordinate_adr[g], count = data.coordinate_adr[g + 1] - first;
    auto terms = [&](int i) { return static_cast<std::size_t>(data.coefficient_adr[i + 1] - data.coefficient_adr[i]); };
    int most = 0;
    for (int i = data.muscle_adr[g]; i < data.muscle_adr[g + 1]; ++i) {
      most = std::max(most, WidePolynomials::degree_of(count, terms(i)));
    }
    FittedGroup group{{}, WidePolynomials(count, most), {}, {}, {}, {}};
    for (int i = first; i < first + count; ++i) {
      const int qpos = coordinate_qpos[data.coordinate[i]];
      require(qpos >= 0, "expected fitted paths over hinges and slides alone");
      group.variables.push_back({qpos, data.centre[i], 1 / data.half[i], data.low.empty() ? -FittedGroup::kNone : data.low[i],
                                 data.high.empty() ? FittedGroup::kNone : data.high[i]});
    }
    for (int i = data.muscle_adr[g]; i < data.muscle_adr[g + 1]; ++i) {
      const int k = data.muscle[i];
      group.muscles.push_back(k);
      group.squared.push_back(!data.squared.empty() && data.squared[i]);
      group.offsets.push_back(data.offset.empty() ? 0.0 : data.offset[i]);
      group.polynomials.add({data.coefficient.data() + data.coefficient_adr[i], terms(i)},
                            {data.half.data() + first, static_cast<std::size_t>(count)});
      for (int c = first; c < first + count; ++c) {
        const auto begin = crossing.begin() + crossing_adr[k], end = crossing.begin() + crossing_adr[k + 1];
        const auto found = std::find(begin, end, coordinate_actuated_[data.coordinate[c]]);
        require(found != end, "expected fitted paths over coordinates that the muscle crosses");
        group.slots.push_back(static_cast<int>(found - crossing.begin()));
      }
    }
    fitted_groups_.push_back(std::move(group));
  }
}

}  // namespace soleus
