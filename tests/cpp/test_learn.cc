// The learner's threads: what they compute together is what one computes alone, and the same every time.
#include <cmath>

#include "check.h"
#include "puppet_learner.h"

using namespace soleus;

TEST(learners_of_several_threads_agree) {
  puppet::Learner alone(1);
  for (int epoch = 0; epoch < 3; ++epoch) alone.epoch(64);
  const std::vector<float> expected = alone.parameters();
  for (const int threads : {2, 5}) {
    puppet::Learner one(threads), other(threads);
    for (int epoch = 0; epoch < 3; ++epoch) {
      const auto figures = one.epoch(64);
      CHECK(figures == other.epoch(64));
    }
    const std::vector<float> found = one.parameters();
    CHECK(found == other.parameters());
    float most = 0;
    for (std::size_t i = 0; i < found.size(); ++i) most = std::max(most, std::fabs(found[i] - expected[i]));
    CHECK(most < 1e-4f);
  }
}

TEST(minibatches_of_fewer_rows_than_threads_are_learnt_from) {
  puppet::Learner learner(7);
  const std::vector<float> before = learner.parameters();
  for (const auto& figures : learner.epoch(3)) {
    for (const float figure : figures) CHECK(std::isfinite(figure));
  }
  CHECK(learner.update.policy().steps() == (puppet::Learner::kSamples + 2) / 3);
  CHECK(learner.parameters() != before);
}

TEST(values_are_the_same_by_any_number_of_threads) {
  std::vector<float> expected(puppet::Learner::kSamples), found(expected.size());
  puppet::Learner alone(1), several(3);
  alone.update.values(alone.observations.data(), expected.size(), expected.data());
  several.update.values(several.observations.data(), found.size(), found.data());
  CHECK(found == expected);
}
