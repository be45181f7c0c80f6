// One human in motion: its own simulation over the shared model.
//
// Between calls the positions and velocities are current (mj_step1 has run on the present state), so that torques,
// moments and observations all read the same instant and nothing is computed twice.
#pragma once

#include <mujoco/mujoco.h>

#include <memory>
#include <span>
#include <vector>

#include "model/human_view.h"

namespace soleus {

struct DataDeleter {
  void operator()(mjData* d) const { mj_deleteData(d); }
};

class HumanState : public HumanView {
 public:
  explicit HumanState(const HumanModel& model);

  const mjData* data() const { return data_.get(); }

  std::span<const double> qpos() const override { return {data_->qpos, static_cast<std::size_t>(model_->mujoco()->nq)}; }
  std::span<const double> qvel() const override { return {data_->qvel, static_cast<std::size_t>(model_->mujoco()->nv)}; }
  std::span<const double> positions() const override { return position_; }
  Vec3 body_place(int body) const override;
  std::array<double, 4> body_turn(int body) const override;
  Vec3 body_velocity(int body) const override;
  Vec3 body_rate(int body) const override;
  Vec3 com() const override;
  Vec3 com_velocity() const override;
  double activation(int muscle) const override;
  double tension(int muscle) const override;
  std::span<const double> foot_forces() const override { return foot_force_; }
  double metabolic_power() const override;
  const Exertion& exertion() const override { return exertion_; }
  void forget_exertion() { exertion_ = {}; }
  // Adds a substep, of that share of a control step; torque: (na) of stable PD, empty where none acts by itself.
  void add_exertion(double share, std::span<const double> torque);

  // Takes over other numbers of the model; reset() or restore() has to follow.
  void renumber();
  // Puts the human into a state at rest of control; coupled joints are made consistent. qpos: (nq), qvel: (nv).
  void reset(std::span<const double> qpos, std::span<const double> qvel);

  // Joint torque, (na) [N m], of implicit PD towards the coordinates of a pose, (nc) [rad], within the torque limits; of
  // the root's they count where the human has gains for it.
  // J. Tan, K. Liu, G. Turk, "Stable proportional-derivative controllers", IEEE CG&A 31(4), 2011.
  void stable_pd(std::span<const double> target, std::span<double> torque);

  // Torque of each muscle at full activation on each coordinate that it crosses, (nnz) [N m], and the passive torque of
  // all muscles together, (na) [N m].
  void muscle_torques(std::span<double> moments, std::span<double> passive);

  void apply_torque(std::span<const double> torque);
  // Of the coordinates that torques move (HumanDescription::direct), beside what muscles pull; torque: (na). pull_muscles()
  // takes it away.
  void apply_direct(std::span<const double> torque);
  // Of a device at a coordinate that is actuated, beside what muscles pull and what stable PD gives of itself [N m]; before
  // every advance().
  void apply_device(int actuated, double by_torque, double device);
  // Torque of all muscles at their activations, (na) [N m], after pull_muscles(); moments, (nnz), is scratch.
  void own_torques(std::span<double> moments, std::span<double> torque);
  // Sets excitations so that after the next step activations equal `desired`, (nm), as nearly as the activation
  // dynamics allow; without dynamics activations are set at once.
  void apply_activations(std::span<const double> desired, bool dynamics);
  void apply_excitations(std::span<const double> excitation);
  // Sets the controls of the motors by actions in [-1, 1], (nu), those of the mirrored body if `mirrored`.
  void apply_motors(const float* action, bool mirrored);
  // Puts a force [N], world axes, on a body's centre of mass, until another one is put there.
  void push(int body, const Vec3& force);
  // Applies the forces of muscles that are not MuJoCo's own; before every advance() of a body that its muscles drive.
  void pull_muscles();
  void forget_paths() { path_current_ = false; }
  // Paths of such muscles at this instant.
  const PathState& paths() const {
    compute_paths();
    return path_;
  }

  // Steps the physics once; `sense` also reads the forces on the feet.
  void advance(bool sense);

  // True once the simulation has met a non-finite or runaway state since the last reset.
  bool diverged() const;

  // Everything that the future depends on, as (state_size()) doubles.
  int state_size() const;
  void save(double* state) const;
  void restore(const double* state);
  // What an onlooker sees of this instant, (Physics::devices_adr()).
  void write_trace(double* out) const;

 private:
  // Calls visit(number) for each number besides MuJoCo's state that the future depends on: the one list that
  // state_size(), save() and restore() follow.
  template <class AnyHumanState, class Visit>
  static void visit_state(AnyHumanState& human, Visit&& visit);

  void refresh();
  void start_servos();
  void bring_tied();
  void pose_error(std::span<const double> target);
  void drive_root();
  void compute_paths() const;
  void push_back_balls();
  void pull_back_balls();
  double power_apart() const;
  void gather_constraint();
  void gather_feet();

  const HumanModel* model_;
  std::unique_ptr<mjData, DataDeleter> data_;
  std::vector<double> coupling_;          // (nv) derivative of each dof by its coordinate
  std::vector<double> constraint_;        // (nc) constraint force of the last step
  std::vector<double> foot_force_;        // (feet)
  std::vector<double> position_;          // (nc)
  std::vector<double> activation_, pull_;  // (nm), (na) of muscles that are apart from MuJoCo's
  // Likewise: computed when they are first asked for at an instant.
  mutable PathState path_;
  mutable HillMuscles hill_;
  std::vector<double> driven_;            // (nm) excitations of Hill-type muscles
  mutable std::vector<double> crossed_velocity_;  // (nnz) of the coordinates that they cross
  mutable bool path_current_ = false;
  // Torque of ball joints' limits in the step, and what was applied beside it.
  struct Pushed { int coordinate; double torque, before; };
  std::vector<Pushed> pushed_;
  std::vector<double> inertia_, force_, error_;  // scratch
  std::vector<double> now_, excitation_;  // (nm) scratch
  bool singular_ = false;
  Exertion exertion_;
};

}  // namespace soleus
