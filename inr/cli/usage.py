"""The help of ``inr-fit``, made from ``conf/`` without loading anything heavy."""

from inr.cli.override import CONF

FAMILIES = (
    "signal",
    "encoding",
    "network",
    "sampler",
    "loss",
    "optimizer",
    "scheduler",
    "trainer",
    "logger",
    "protocol",
    "experiment",
)

USAGE = """\
inr-fit: fit a coordinate network to a signal, and watch its tangent kernel.

  inr-fit [PATH] [OVERRIDE ...]

PATH is a file or a folder; its content says which kind of signal it is (the family signal below).
Without PATH a sample is fitted that comes with the program.

Examples
  inr-fit photo.png encoding.scale=40 trainer.max_steps=2000
  inr-fit photo.png network=siren encoding=identity
  inr-fit photos                                     a field for each image, trained together
  inr-fit bunny.obj signal.resolution=256            a mesh, by what is inside
  inr-fit scan.nii.gz                                a volume, written back as it came
  inr-fit -m photo.png encoding.scale=1,10,100       a sweep, one run for each value
  inr-fit ckpt_path=RUN                              resume a run that was stopped
  inr-fit photo.png callback=theory optimizer=sgd sampler.batch_size=null signal.size=[24,32]
                                                     a run beside what its kernel predicts
  inr-fit experiment=lazy                            a statement of the theory, beside measurements
  tensorboard --logdir runs                          watch them

Families (FAMILY=MEMBER chooses one)
{families}

Options that are often set
  signal.size=[H,W]  signal.crop=[x0,y0,x1,y1]  signal.holdout=none|alternate|0.1
  encoding.scale  encoding.num_frequencies  network.hidden_features  network.hidden_layers
  optimizer.lr  sampler.batch_size (null: all points)  trainer.max_steps  trainer.accelerator
  trainer.precision  seed  ckpt_path  callback.NAME.OPTION (callback.NAME=null: off)  hydra.run.dir

  inr-fit --cfg job [OVERRIDE ...]                   shows every option with its value
"""


def usage() -> str:
    """The help text."""
    lines = []
    for family in FAMILIES:
        members = sorted(path.stem for path in (CONF / family).glob("*.yaml"))
        lines.append(f"  {family:<11}{' '.join(members)}")
    return USAGE.format(families="\n".join(lines))
