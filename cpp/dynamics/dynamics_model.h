// What the dynamics in lanes need of a model, as tables that say what to do: made once, shared by all tiles.
// Its numbers (DynamicsTables) are those of one human or of all; a tile may have others, a lane each.
//
// Bodies that are welded to one another are one *link*. A *motion* is what one coordinate does to one link: where a
// coupling drives several joints of a link, they are one motion together, so that coupled joints are exact and cost no
// constraint. A coordinate may move links on different branches (a knee angle moves tibia and patella).
#pragma once

#include <array>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "dynamics/contact_model.h"
#include "dynamics/dynamics_tables.h"
#include "model/human_model.h"
#include "model/ldl.h"

namespace soleus {

class DynamicsModel {
 public:
  // Why the lanes do not cover a model, each element by name; empty: they do.
  static std::vector<std::string> uncovered(const HumanModel& human);

  // Throws InvalidInput for a model that is not covered.
  explicit DynamicsModel(const HumanModel& human);

  using Tables = DynamicsTables<double>;
  using Link = Tables::Link;
  using Place = Tables::Place;
  struct Motion { int link, coordinate; };
  // One product of a motion's force with an ancestor's motion, and where it goes.
  struct InertiaTerm { int motion, slot; bool twice; };

  // The model's numbers.
  const Tables& tables() const { return tables_; }
  const std::vector<Link>& links() const { return tables_.links; }
  const std::vector<Tables::Joint>& joints() const { return tables_.joints; }
  const std::vector<Tables::Dof>& dofs() const { return tables_.dofs; }
  const std::vector<Place>& bodies() const { return tables_.bodies; }
  const std::vector<Motion>& motions() const { return motions_; }
  const ContactModel& contacts() const { return *contacts_; }
  const SparseLdl& pattern() const { return human_->inertia_pattern(); }
  // Of motion p: terms()[term_begin(p)] to terms()[term_begin(p + 1)].
  const std::vector<InertiaTerm>& terms() const { return terms_; }
  int term_begin(int motion) const { return term_begin_[motion]; }
  const HumanModel& human() const { return *human_; }
  int coordinates() const { return human_->num_coordinates(); }
  // Where the position of a coordinate is, of hinges and slides; of rotations the part that its number within them names.
  int coordinate_qpos(int c) const { return coordinate_qpos_[c]; }
  double timestep() const { return human_->mujoco()->opt.timestep; }
  int root_link() const { return root_link_; }
  bool coupled() const { return !human_->coupled().empty(); }

 private:
  void build_links();
  void add_inertia(Link& link, int body, const Place& place);
  void build_dofs();
  void place_coordinates();
  void build_terms();
  void build_limits();
  void build_frictions();
  void build_control();

  const HumanModel* human_;
  Tables tables_{};
  std::vector<Motion> motions_;
  std::vector<InertiaTerm> terms_;
  std::vector<int> term_begin_;
  std::optional<ContactModel> contacts_;
  std::vector<int> coordinate_qpos_;
  int root_link_ = 0;
};

}  // namespace soleus
