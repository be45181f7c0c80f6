// The numbers of a model's muscles as the lanes read them, with the structure that they are numbers of: tables of a Number,
// double where all humans share the numbers, Wide where each lane has its own. LaneMuscleModel makes the first kind.
#pragma once

#include <array>
#include <vector>

#include "base/lane_numbers.h"
#include "muscles/wide_wrap.h"

namespace soleus {

template <class Number>
struct MuscleTables {
  using Triple = std::array<Number, 3>;

  // A point of a path: fixed to a link, or the weighted mean of its places on two.
  struct Site {
    int link;
    Triple place{};
    bool blended = false;
    int second_link = -1;
    Triple second_place{};
    Number weight = 1.0, second_weight = 0.0;
  };
  struct Stretch {
    int from, to;                   // sites
    int wrap;                       // shape between them, or -1
    Number scale;                   // gear over the pulley's divisor
    int arms_begin, arms_end;       // of all of it, or of the part before the shape
    int after_begin, after_end;     // of the part behind the shape
  };
  struct Shape {
    WrapShape<Number> wrap;
    int link;
    Triple place;
    std::array<Number, 4> turn;
  };
  struct Path {
    int sites_begin, sites_end;     // of LaneMuscleModel::path_sites()
    int stretches_begin, stretches_end, shares_begin, shares_end;
    Number fixed_length;            // of stretches within one link [m]
    int dof, slot;                  // of the joint that it acts on directly, with this gear; -1: it has a path
    Number gear;
  };
  // The law of MASS, by strain = (length / rest - slack) / optimal - 1.
  struct MassLaw { Number inverse_rest, slack, inverse_optimal; };
  // MuJoCo's law (mju_muscleGain, mju_muscleBias). Lengths are normalised as offset + length / optimal.
  struct ForceLength {
    Number inverse_optimal, offset;
    Number least, most, rising, falling;  // where its parabolas begin and end, and meet between there and 1
    Number from_least, to_top, from_top, to_most;  // one over the width of each of the four
  };
  struct ForceVelocity { Number lengthening, rest, inverse_rest; };  // the greatest share of force; less 1; one over that
  struct PassiveForce { Number inverse_optimal, offset, force, bend, inverse_width; };
  struct Activation {
    Number rise, fall;              // time constants [s]
    Number rise_steps, fall_steps;  // over the time step
    Flag<Number> smooth;            // whether the switch between the two is gradual, and one over its width
    Number inverse_smoothing;
    Number control_low, control_high;
  };
  struct Muscle {
    Path path;
    bool mass;                      // whose law; else MuJoCo's
    Number force;                   // the greatest [N]
    MassLaw mass_law;
    ForceLength force_length;
    ForceVelocity force_velocity;
    PassiveForce passive;
    Number inverse_fastest, power;  // one over the greatest velocity [s/m]; that velocity times the greatest force [W]
    bool stateful, dynamic;         // whether it has an activation; and one that follows the excitation
    int control, address;           // of its control and its activation in mjData
    Activation activation;
  };

  std::vector<Site> sites;
  std::vector<Stretch> stretches;
  std::vector<Shape> shapes;
  std::vector<Muscle> muscles;
};

}  // namespace soleus
