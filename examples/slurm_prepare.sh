#!/bin/sh
# Prepares a large set of images on many machines of a Slurm cluster, each a part of it:
#
#     sbatch --array=1-64 slurm_prepare.sh /shared/photos --size 64
#     sbatch --dependency=afterok:JOB --wrap "dcgan data /shared/photos --size 64 --merge"
#
# JOB is the number that the first command prints. The source and the cache must lie where all machines see them under
# the same name. Afterwards `dcgan train /shared/photos --size 64` starts at once.
#SBATCH --job-name=dcgan-prepare
#SBATCH --cpus-per-task=4
#SBATCH --mem=8G
#SBATCH --time=04:00:00

export DCGAN_CACHE="${DCGAN_CACHE:-$HOME/dcgan-cache}"
exec dcgan data "$@" --part "$SLURM_ARRAY_TASK_ID/$SLURM_ARRAY_TASK_COUNT"
