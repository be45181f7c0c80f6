"""Which dofs a muscle crosses, of a chain of three hinges."""

import mujoco
import pytest

from soleus.models.crossings import crossed_dofs

CHAIN = """
<mujoco><worldbody>
  <body name="a"><joint name="a"/><geom size=".1"/><site name="a"/>
    <body name="b" pos="0 0 1"><joint name="b"/><geom size=".1"/><site name="b"/>
      <body name="c" pos="0 0 1"><joint name="c"/><geom name="c" size=".1"/><site name="c" pos="0.3 0 0"/></body>
    </body>
  </body>
</worldbody>
<tendon>
  <spatial name="sites"><site site="a"/><site site="b"/></spatial>
  <spatial name="wrapped"><site site="a"/><geom geom="c" sidesite="c"/><site site="b"/></spatial>
  <fixed name="fixed"><joint joint="a" coef="1"/><joint joint="c" coef="1"/></fixed>
</tendon>
<actuator>
  <muscle tendon="sites" lengthrange="0 1"/><muscle tendon="wrapped" lengthrange="0 1"/>
  <muscle tendon="fixed" lengthrange="0 1"/><muscle joint="b" lengthrange="0 1"/>
</actuator></mujoco>"""


@pytest.mark.parametrize(("actuator", "dofs"), [(0, {1}), (1, {1, 2}), (2, {0, 2}), (3, {1})])
def test_a_muscle_crosses_what_its_path_touches(actuator, dofs):
    assert crossed_dofs(mujoco.MjModel.from_xml_string(CHAIN), actuator) == dofs
