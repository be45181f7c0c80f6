// Variants of a model: the same person with other numbers (masses, lengths, muscles, gains), as people differ.
#pragma once

#include "model/human_model.h"

namespace soleus {

// Throws InvalidInput where two models differ in more than numbers: in their parts, what these are and what they belong
// to, or in the time step, which all humans
// share. It names what differs.
void check_variant(const HumanModel& model, const HumanModel& variant);

}  // namespace soleus
