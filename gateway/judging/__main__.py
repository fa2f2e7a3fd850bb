"""`python -m gateway.judging DESCRIPTOR SETTINGS`: started by the intake, of use to nobody else."""

import json
import sys

from gateway.judging.settings import JudgingSettings
from gateway.judging.worker import main

if __name__ == "__main__":
    main(int(sys.argv[1]), JudgingSettings.of(json.loads(sys.argv[2])))
