"""Print SHA-256 of the parameters after three epochs of the native engine."""

import hashlib

import numpy as np

from treadle.engines.engine import TrainingProblem
from treadle.engines.native_engine import NativeEngine
from treadle.engines.objective import Objective
from treadle.network import Network, Parameters
from treadle.optimizers.adam import Adam

generator = np.random.default_rng(0)
X = generator.integers(0, 256, (600, 64), dtype=np.uint8)
y = generator.integers(0, 10, 600)
network = Network((64, 48, 24, 10), input_scale=1 / 255, batch_norm=True, dropout=0.2)
problem = TrainingProblem(network, Objective(), Adam(), X, y, batch_size=50)
trainer = NativeEngine().trainer(problem, Parameters.initialise(network))
for epoch in range(3):
    trainer.run_epoch(np.random.default_rng(epoch).permutation(600), np.full(12, 0.01))
print(hashlib.sha256(trainer.parameters().flat.tobytes()).hexdigest())
