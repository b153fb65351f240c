"""What jobs need: a retried one, as after running out of memory or time on a cluster, asks for more."""


# jobs of a cluster each have cards of their own; on one machine they share what the profile grants
resource_scopes:
    gpu="local",


def memory(gigabytes_at_1mm):
    """`mem_mb` of a job on the working grid, where voxels scale with spacing⁻³; the process itself takes 1.5 GB."""
    scaled = 1500 + 1000 * gigabytes_at_1mm / CONFIG.spacing**3
    return lambda wildcards, attempt: int(scaled * attempt)


def gigabytes(number):
    """`mem_mb` of a job on a scan's own grid, or on none."""
    return lambda wildcards, attempt: 1000 * number * attempt


def hours(number):
    """`runtime` of a job."""
    return lambda wildcards, attempt: int(60 * number * attempt)


def shared_out(threads):
    """
    Threads of a patient's registration: those of the config, while there are cores for all that the command asks for.

    Only a part of it has more than one, and with as many patients as cores, one each takes less time.
    """

    def fair(wildcards):
        named = {
            part for name in workflow.dag_settings.targets for part in Path(name).parts
        }
        patients = len(named & set(PATIENTS)) or len(PATIENTS)
        return max(1, min(threads, (workflow.resource_settings.cores or 1) // patients))

    return fair


def gpus(wildcards):
    """Graphics cards of a fit: one, for a method that is set to use it."""
    return int(CONFIG.settings(wildcards.method).get("device") == "cuda")
