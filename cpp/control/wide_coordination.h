// Torque to activations in lanes: the same descent as static_optimization(), of kLanes humans at a time.
#pragma once

#include <span>

#include "base/wide.h"
#include "model/human_model.h"

namespace soleus {

// moments (nnz), target (na), activation (nm) as there; residual (na); step (nm) scratch.
void static_optimization(const HumanModel& human, std::span<const Wide> moments, std::span<const Wide> target,
                         std::span<const double> effort, int sweeps, std::span<Wide> activation, std::span<Wide> residual,
                         std::span<Wide> step);

// residual = JtA a - target, as there.
void torque_residual(const HumanModel& human, std::span<const Wide> moments, std::span<const Wide> target,
                     std::span<const Wide> activation, std::span<Wide> residual);

// Rows of the network's input of the first `count` lanes, `stride` apart, as write_network_input() writes them; of the
// mirrored body in the lanes `mirrored`.
void write_network_inputs(const HumanModel& human, std::span<const Wide> moments, std::span<const Wide> target,
                          WideMask mirrored, int count, float* rows, std::size_t stride);
// Reads such rows of its output, (nm), into activations.
void read_network_outputs(const HumanModel& human, const float* rows, std::size_t stride, WideMask mirrored, int count,
                          std::span<Wide> activation);

}  // namespace soleus
