// Noise and delay: what is remembered of the last control steps, and noise that there cannot be.
#include "base/error.h"
#include "check.h"
#include "tasks/noise.h"

using namespace soleus;

TEST(a_history_remembers_the_last_rows) {
  History<double> history(3, 2);
  const auto write = [&](double first) {
    const auto row = history.advance();
    row[0] = first;
    row[1] = -first;
  };
  write(1);
  history.fill();
  for (int ago = 0; ago < 3; ++ago) CHECK(history.row(ago)[0] == 1 && history.row(ago)[1] == -1);
  write(2);
  write(3);
  for (int ago = 0; ago < 3; ++ago) CHECK(history.row(ago)[0] == 3 - ago && history.row(ago)[1] == ago - 3);
  write(4);
  CHECK(history.row(2)[0] == 2);
  int numbers = 0;
  History<double>::visit_state(history, [&](double) { ++numbers; });
  CHECK(numbers == 6);
  History<double> none;
  History<double>::visit_state(none, [&](double) { ++numbers; });
  CHECK(numbers == 6);
}

TEST(a_delay_is_control_steps_and_simulation_steps) {
  const Delay delay(37, 16), shorter(5, 16), whole(32, 16);
  CHECK(delay.steps == 2 && delay.substeps == 5);
  CHECK(shorter.steps == 0 && shorter.substeps == 5);
  CHECK(whole.steps == 2 && whole.substeps == 0);
}

TEST(noise_is_a_share_of_the_command) {
  NEAR(disturbed(-40, 0.1), -44, 1e-12);
  NEAR(disturbed_muscle(0.5, 0.1), 0.55, 1e-12);
  CHECK(disturbed_muscle(0.9, 0.5) == 1 && disturbed_muscle(0.9, -2) == 0 && disturbed_muscle(0, 5) == 0);
  NoiseData data;
  CHECK(kept_share(data, 0.1) == 0);
  data.motor_correlation = 0.1;
  NEAR(kept_share(data, 0.1), std::exp(-1.0), 1e-12);
}

TEST(noise_that_there_cannot_be_is_refused) {
  NoiseData().check();
  THROWS(NoiseData{.observation = -0.1}.check(), "expected noise of 0 or more, got -0.1");
  THROWS(NoiseData{.motor = std::nan("")}.check(), "expected noise of 0 or more, got");
  THROWS(NoiseData{.motor_delay = -1}.check(), "expected delays of 0 or more simulation steps, got -1");
}
