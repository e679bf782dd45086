"""How the scripts here wait for something that takes as long as it takes."""
import sys
import time

PATIENCE = 20.0


def wait_for(what, condition, patience=PATIENCE):
    """What `condition` answers once it is true; ends the script when it does not come in time."""
    end = time.monotonic() + patience
    while time.monotonic() < end:
        found = condition()
        if found:
            return found
        time.sleep(0.05)
    sys.exit(f"not within {patience:.0f} s: {what}")
