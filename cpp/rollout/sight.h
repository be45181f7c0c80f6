// What terms outside of the core may see of a human.
#pragma once

#include <array>
#include <span>

#include "base/names.h"
#include "model/human_view.h"
#include "tasks/scene.h"

namespace soleus {

// World vectors; the reference is the motion's pose at this instant, time is since the episode's start, and the push is the
// force on the pelvis in the control step that led here [N].
enum class Sight {
  kQpos,
  kQvel,
  kPositions,
  kActivations,
  kFootForces,
  kRoot,
  kRootVelocity,
  kCom,
  kComVelocity,
  kHead,
  kBodies,
  kReference,
  kPhase,
  kTime,
  kPush,
  kCount,
};
inline constexpr std::array<Named<Sight>, static_cast<std::size_t>(Sight::kCount)> kSightNames{{
    {Sight::kQpos, "qpos"},
    {Sight::kQvel, "qvel"},
    {Sight::kPositions, "positions"},
    {Sight::kActivations, "activations"},
    {Sight::kFootForces, "foot_forces"},
    {Sight::kRoot, "root"},
    {Sight::kRootVelocity, "root_velocity"},
    {Sight::kCom, "com"},
    {Sight::kComVelocity, "com_velocity"},
    {Sight::kHead, "head"},
    {Sight::kBodies, "bodies"},
    {Sight::kReference, "reference"},
    {Sight::kPhase, "phase"},
    {Sight::kTime, "time"},
    {Sight::kPush, "push"},
}};
static_assert(names_all(kSightNames, Sight::kCount));

// Writes what a view and what was measured of it show, as many numbers as `out` has; not of reference, phase, time and push.
void write_sight(Sight sight, const HumanView& human, const Kinematics& now, std::span<double> out);

}  // namespace soleus
