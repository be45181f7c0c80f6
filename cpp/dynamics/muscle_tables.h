// The numbers of a model's muscles as the lanes read them: tables of a Number, double where all humans share the numbers,
// Wide where each lane has its own. LaneMuscleModel makes the first kind, and has the structure that they are numbers of:
// apart from them, since a Wide is a cache line, and a number of each lane is to touch no other.
#pragma once

#include <array>
#include <vector>

#include "base/lane_numbers.h"
#include "muscles/wide_hill.h"
#include "muscles/wide_wrap.h"

namespace soleus {

template <class Number>
struct MuscleTables {
  using Triple = std::array<Number, 3>;

  // The second place of a blended point, on its second link, and the shares of both in where it is.
  struct Blend { Triple place; Number weight, second_weight; };
  struct Shape {
    WrapShape<Number> wrap;
    Triple place;                   // in its link's frame
    std::array<Number, 4> turn;
  };
  // The law of MASS (ForceCurves), by strain = (length / rest - slack) / optimal - 1: minus one over the active curve's
  // width, and of the passive one its growth with the strain and its factor.
  struct MassLaw { Number inverse_rest, slack, inverse_optimal, narrowing, growth, factor; };
  // MuJoCo's law (mju_muscleGain, mju_muscleBias). Lengths are normalised as offset + length / optimal.
  struct ForceLength {
    Number inverse_optimal, offset;
    Number least, most, rising, falling;  // where its parabolas begin and end, and meet between there and 1
    Number from_least, to_top, from_top, to_most;  // one over the width of each of the four
  };
  struct ForceVelocity { Number lengthening, rest, inverse_rest; };  // the greatest share of force; less 1; one over that
  struct PassiveForce { Number inverse_optimal, offset, force, bend, inverse_width; };
  struct Force {
    Number most;                    // at full activation [N]
    MassLaw mass;                   // of muscles with that law
    HillLaw<Number> hill;           // of those with this one; of others MuJoCo's:
    ForceLength length;
    ForceVelocity velocity;
    PassiveForce passive;
    Number muscle_mass, tissue_mass;  // HumanModel::muscle_mass() and tissue_mass() [kg]
    Number inverse_fastest;           // one over the greatest velocity [s/m]
  };
  struct Activation {
    Flag<Number> smooth;            // whether the switch between rise and fall is gradual
    Number rise, fall;              // time constants [s]
    Number rise_steps, fall_steps;  // over the time step
    Number inverse_smoothing;       // one over the width of that switch, of excitation
    Number control_low, control_high;
  };
  struct Fixed { Number length, gear; };  // of stretches within one link [m]; of the joint that a muscle acts on

  static constexpr std::array kParts{"sites", "blended sites", "stretches' scales", "shapes that muscles wrap", "muscles",
                                     "muscles", "muscles"};
  std::vector<Triple> places;       // of sites, in their links' frames
  std::vector<Blend> blends;        // of those that are blended
  std::vector<Number> scales;       // of stretches: gear over the pulley's divisor
  std::vector<Shape> shapes;
  std::vector<Fixed> fixed;         // (nm), as are these:
  std::vector<Force> forces;
  std::vector<Activation> activations;
};

}  // namespace soleus
