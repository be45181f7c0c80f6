// What may touch what: made once of a model, shared by all tiles. By which numbers is in ContactTables, which it fills.
#pragma once

#include <string>
#include <vector>

#include "dynamics/body_pairs.h"
#include "dynamics/contact_tables.h"

namespace soleus {

class DynamicsModel;
class HumanModel;

class ContactModel {
 public:
  // Contacts that the lanes do not cover, each by the names of its geoms, are added to `out`.
  static void list_uncovered(const mjModel* m, std::vector<std::string>& out);

  // Fills the tables. Of a covered model whose links are known.
  ContactModel(const DynamicsModel& dynamics, ContactTables<double>& tables);

  const BodyPairs& pairs() const { return pairs_; }
  // Links that carry points or that other bodies may touch, and all links between them and the world: in order from the root.
  const std::vector<int>& supporting() const { return supporting_; }

 private:
  BodyPairs pairs_;
  std::vector<int> supporting_;
};

}  // namespace soleus
