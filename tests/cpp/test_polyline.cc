// Muscles as polylines against numbers worked out by hand and against differences of their paths' lengths.
#include <cmath>

#include "base/error.h"
#include "check.h"
#include "puppet.h"

using namespace soleus;

namespace {

const std::vector<int> kAdr{0, 1, 2}, kCrossing{0, 1}, kActuated{-1, -1, -1, 0, -1, 1, -1};

struct Bent {
  explicit Bent(bool spread, double angle)
      : paths(puppet::model(), puppet::polylines(spread), kAdr, kCrossing, kActuated), state(paths.make_state()),
        data(mj_makeData(puppet::model()), mj_deleteData) {
    turn(angle);
  }
  void turn(double angle) {
    data->qpos[3] = angle;
    mj_kinematics(puppet::model(), data.get());
    paths.compute(data.get(), state);
  }
  Polylines paths;
  PathState state;
  std::unique_ptr<mjData, void (*)(mjData*)> data;
};

}  // namespace

TEST(a_path_at_rest) {
  const Bent bent(false, 0);
  // From (0.06, -0.1, 0) to (0.08, -0.1, -0.1) to (0.06, -0.1, -0.3) of the pelvis: both ways are straight.
  const double whole = std::hypot(0.02, 0.1) + std::hypot(0.02, 0.2);
  CHECK(std::abs(bent.paths.rest_length(0) - whole) < 1e-12);
  CHECK(std::abs(bent.state.length[0] - 1) < 1e-12);
  // (1 - 0.2) / 1 = 0.8 optimal lengths: exp(-0.2^2 / 0.5) of the greatest force, and none of the passive one.
  CHECK(std::abs(bent.state.active[0] - 800 * std::exp(-0.08)) < 1e-9);
  CHECK(bent.state.passive[0] == 0);
  // The force on the leg's first point, at (0.08, 0, -0.1) from the hip, is towards the pelvis' one: (-0.02, 0, 0.1).
  const double arm = (-0.1 * -0.02 - 0.08 * 0.1) / std::hypot(0.02, 0.1);
  CHECK(std::abs(bent.state.moment[0] - arm) < 1e-12);
}

TEST(a_force_spread_by_weight_is_the_gradient_of_the_length) {
  constexpr double kStep = 1e-6;
  Bent spread(true, 0.7), first(false, 0.7);
  const double moment = spread.state.moment[0];
  spread.turn(0.7 + kStep);
  const double longer = spread.state.length[0];
  spread.turn(0.7 - kStep);
  const double slope = (longer - spread.state.length[0]) / (2 * kStep) * spread.paths.rest_length(0);
  CHECK(std::abs(moment + slope) < 1e-8);
  CHECK(std::abs(first.state.moment[0] + slope) > 1e-3);  // the format's own rule is none
}

TEST(paths_that_do_not_fit_are_refused) {
  auto refused = [](auto change) {
    PolylineData data = puppet::polylines();
    change(data);
    try {
      Polylines paths(puppet::model(), data, kAdr, kCrossing, kActuated);
    } catch (const InvalidInput&) {
      return true;
    }
    return false;
  };
  CHECK(!refused([](PolylineData&) {}));
  CHECK(refused([](PolylineData& p) { p.body[0] = 99; }));
  CHECK(refused([](PolylineData& p) { p.adr = {0, 1, 6}; }));
  CHECK(refused([](PolylineData& p) { p.local.pop_back(); }));
  CHECK(refused([](PolylineData& p) { p.optimal[1] = 0; }));
}
