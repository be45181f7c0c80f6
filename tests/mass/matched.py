"""Between the coordinates of a MASS model in DART and those of ours."""

import mujoco
import numpy as np


class Matched:
    """Between DART's coordinates and ours: names say which is which; at the root the frames differ."""

    def __init__(self, human, reference):
        self.human, self.reference, self.model = human, reference, human.model
        self.data = mujoco.MjData(human.model)
        order = {}
        for name, at in reference.coordinates.items():
            for i, c in enumerate(range(at.start, at.stop)):
                single = at.stop - at.start == 1
                order[name if single else f"{name}_{'xyz'[i % 3]}"] = c
        self.root = reference.names[0]
        # DART's coordinate of each of ours; the root: ours shift first, DART turns first
        self.index = np.array([3, 4, 5, 0, 1, 2] + [order[name] for name in human.coordinate_names[6:]])

    def place(self, q, qd):
        """qpos (nq,), qvel (nv,) of DART's q and qd."""
        model, qpos, qvel = self.model, self.model.qpos0.copy(), np.asarray(qd)[self.index]
        for b in range(1, model.nbody):
            at = self.reference.coordinates[model.body(b).name]
            adr = model.jnt_qposadr[model.body_jntadr[b]]
            kind = model.jnt_type[model.body_jntadr[b]]
            if kind == mujoco.mjtJoint.mjJNT_HINGE:
                qpos[adr] = q[at][0]
                continue
            free = kind == mujoco.mjtJoint.mjJNT_FREE
            turn, quat = np.zeros(4), np.zeros(4)
            vector = q[at][:3]
            mujoco.mju_axisAngle2Quat(turn, vector / max(np.linalg.norm(vector), 1e-12), np.linalg.norm(vector))
            rest = self.model.qpos0[adr + 3 : adr + 7] if free else np.array([1.0, 0, 0, 0])
            mujoco.mju_mulQuat(quat, rest, turn)
            if free:
                moved = np.zeros(3)
                mujoco.mju_rotVecQuat(moved, q[at][3:], rest)
                qpos[adr : adr + 3] += moved
                qpos[adr + 3 : adr + 7] = quat
                self.frame = np.zeros(9)
                mujoco.mju_quat2Mat(self.frame, quat)
                self.frame = self.frame.reshape(3, 3)
            else:
                qpos[adr : adr + 4] = quat
        qvel[:3] = self.frame @ qvel[:3]
        return qpos, qvel

    def to_dart(self):
        """(n, nv): DART's velocities of ours, at the pose that was placed last; its transpose takes forces to ours."""
        result = np.zeros((len(self.index), len(self.index)))
        result[self.index, np.arange(len(self.index))] = 1
        result[3:6, :3] = self.frame.T
        return result


def near(ours, theirs):
    """The greatest difference over the greatest value."""
    return np.abs(ours - theirs).max() / np.abs(theirs).max()
