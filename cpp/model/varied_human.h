// A human whose numbers conditions have changed: the model's structure, and a body, muscles and ground of its own.
#pragma once

#include <mujoco/mujoco.h>

#include <array>
#include <memory>
#include <span>
#include <vector>

#include "model/conditions.h"
#include "model/human_model.h"

namespace soleus {

// Lengths and masses. A body that is longer by a factor along an axis is what an even stretch of all its points along that
// axis makes of it: what is fixed to it, its mass at the density that it has, its inertia. Shapes that are round across the
// axis stay so, with the mean of what the stretch does to them across. `size` stretches all bodies alike along all axes.
// What follows of lengths: the pose at rest has the feet on the ground; heights are as much more as the pelvis is higher; a
// muscle is as much longer as its path at qpos0, and its greatest force grows with the power 1.5 of that (J. Park, S. Min,
// P. S. Chang, J. Lee, M. S. Park, J. Lee, "Generative GaitNet", SIGGRAPH 2022), as the damping of joints does with the
// power 2.5 of the size; the gains and greatest torques of stable PD with weight times height (A. L. Hof, Gait & Posture 4,
// 1996), and derivative gains beside that with the root of the height, which times swing by.
class VariedHuman {
 public:
  // Both stay where they are.
  VariedHuman(const HumanModel& base, const ConditionData& conditions);

  // Takes the numbers of the conditions' values, (conditions).
  void vary(std::span<const double> values);
  const HumanModel& model() const { return own_; }
  // Stretches the meshes of a copy of the model as the bodies are that they show: for pictures. A mesh that several bodies
  // show is as on the first of these.
  void stretch_meshes(mjModel* m) const;
  // Height of the pelvis at rest over the model's.
  double height() const { return height_; }

 private:
  struct DataDeleter {
    void operator()(mjData* d) const { mj_deleteData(d); }
  };
  // What a body is to be, over the model's.
  struct Change {
    std::array<double, 9> stretch;   // (3, 3)
    std::array<double, 4> torsion;
    double mass;                     // factor
    double load;                     // [kg] beside it, at the centre of mass
  };

  void gather(std::span<const double> values);
  void change_bodies(mjModel* m, HumanDescription& h);
  void change_body(mjModel* m, int body);
  void change_geom(mjModel* m, int geom);
  void change_slide(mjModel* m, HumanDescription& h, int joint);
  void change_joints(mjModel* m, HumanDescription& h);
  void change_ground(mjModel* m);
  void stand(mjModel* m, HumanDescription& h);
  void change_muscles(mjModel* m, HumanDescription& h);
  void change_actuator(mjModel* m, int muscle);
  double path_length(const PolylineData& paths, int muscle) const;

  const HumanModel& base_;
  const ConditionData& conditions_;
  HumanModel own_;
  std::unique_ptr<mjData, DataDeleter> data_;
  std::vector<double> base_length_;           // (nm) of paths of waypoints at qpos0 [m]
  double base_root_ = 0, base_head_ = 0;      // heights of their frames at rest [m]
  double base_sole_ = 0;                      // and of the lowest point of the feet
  double height_ = 1;
  // Gathered from values: of bodies, muscles, dofs, joints.
  std::vector<Change> bodies_;
  std::vector<double> force_, muscle_length_, stiffness_, damping_, range_;
  double size_ = 1, friction_ = -1, slope_ = 0;
};

}  // namespace soleus
