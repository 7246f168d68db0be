"""Every option of a training run. Options without a default are chosen by the planner (`ganvas.job.plan`)."""

from dataclasses import asdict, dataclass
from typing import Any, Literal

from ganvas.augment.policy import P_MAX
from ganvas.errors import UsageError
from ganvas.training.options import Size, check_ranges, option

LossName = Literal["minimax", "non-saturating", "least-squares", "wasserstein", "hinge", "relativistic"]
PenaltyName = Literal["none", "r1", "r2", "r1+r2", "wgan-gp", "clip"]
UNPENALISED: tuple[PenaltyName, ...] = ("none", "clip")
"""Penalties without a gradient, so without a weight."""
FeaturesName = Literal["random", "efficientnet-lite0", "mobilenet-v2", "inception-v3"]
TaskName = Literal["generate", "repair", "restore", "upscale", "find-scratches"]
AugmentKind = Literal["flip", "shift", "scale", "rotate", "colour", "cutout"]


@dataclass(frozen=True)
class TaskOptions:
    """What is learned, and what counts; all but the first are for tasks on photographs."""

    kind: TaskName = option(
        "generate, or for photographs: repair, restore, upscale, find-scratches.", default="generate", flag="task"
    )
    scale: int = option("How many times larger upscale paints.", default=2, least=2, most=8)
    pixel_share: float = option(
        "Part of the budget before the critic joins; 1 leaves it out.", default=0.8, above=0, most=1
    )
    pixel_weight: float = option("Weight of the difference of pixels.", default=1.0, least=0)
    frequency_weight: float = option("Weight of the difference of Fourier transforms.", default=5.0, least=0)
    perceptual_weight: float = option(
        "Weight of the difference that --features sees, from when the critic joins.", default=0.0, least=0
    )
    adversarial_weight: float = option("Weight of the critic's word in the last stage.", default=1.0, above=0)
    patience: int = option(
        "Scores without a better detail_distance that end the last stage; 0 for never.", default=0, least=0
    )

    def __post_init__(self) -> None:
        check_ranges(self)


@dataclass(frozen=True)
class DataOptions:
    """Which pictures, in what shape."""

    size: Size = option("Side in pixels, or height x width such as 192x320.")
    channels: int = option("1 (grey), 3 (RGB) or 4 (RGB and alpha).")
    fit: Literal["crop", "pad", "stretch", "tiles"] = option(
        "How a picture of another shape is made to fit; photographs are cut to tiles.", default="crop"
    )
    labels: str = option("auto, none, folders, or a CSV file with a class or numbers a picture.", default="auto")
    mirror: bool = option("Also show every picture mirrored left to right.", default=False)

    def __post_init__(self) -> None:
        if self.channels not in (1, 3, 4):
            raise UsageError(f"--channels is {self.channels}, but pictures have 1, 3 or 4 channels.")


@dataclass(frozen=True)
class NetworkOptions:
    """Which networks play."""

    network: str = option(
        "Architecture of both networks: fast, r3, resnet, dcgan or mlp; of the one for photographs: plain or compact "
        "(upscale), unet-depthwise or unet (restore, find-scratches), gated-unet or unet (repair).",
        default="fast",
    )
    generator: str = option("Architecture of the generator, where it differs from --network.")
    discriminator: str = option("Architecture of the discriminator, where it differs from --network.")
    width: int = option("Channels of the networks; their size grows with its square.", least=1)
    blocks: int = option(
        "Residual blocks a resolution (fast, r3, unet), hidden layers (mlp), convolutions (plain, compact) or "
        "dilations (gated-unet).",
        least=1,
    )
    latent_dim: int = option("Length of the latent vector.", default=64, least=1)
    batchnorm: bool = option("Whether the dcgan discriminator uses batch normalisation.")

    def __post_init__(self) -> None:
        check_ranges(self)


@dataclass(frozen=True)
class TrainingOptions:
    """How they play, for how long, and what is kept. This is all the loop reads."""

    # The game
    loss: LossName = option("Adversarial loss.", default="relativistic")
    penalty: PenaltyName = option("What keeps the discriminator smooth.", default="r1+r2")
    estimator: Literal["exact", "directional"] = option(
        "R1 and R2 by double backward, or along one random direction a picture (noisier; for networks that cannot be "
        "differentiated twice).",
        default="exact",
    )
    penalty_interval: int = option("Steps between penalties; their weight grows to match.", default=1, least=1)
    gamma: float = option("Penalty weight at the start.", least=0)
    gamma_final: float = option("Penalty weight after the burn-in.", least=0)
    clip_limit: float = option("Largest weight of the discriminator under --penalty clip.", default=0.01, above=0)
    critic_steps: int = option("Discriminator steps a generator step.", default=1, least=1)

    # Optimisation
    optimizer: Literal["adam", "rmsprop", "sgd"] = option("Optimizer of all networks.", default="adam")
    lr: float = option("Learning rate at the start.", above=0)
    lr_final: float = option("Learning rate after the burn-in.", least=0)
    beta1: float = option("Adam's first decay (momentum).", default=0.0, least=0, below=1)
    beta2: float = option("Adam's second decay at the start.", default=0.9, least=0, below=1)
    beta2_final: float = option("Adam's second decay after the burn-in.", default=0.99, least=0, below=1)
    burn_in_kimg: float = option("Thousand images over which the schedules run.", least=0)
    ema_kimg: float = option("Half-life of the averaged generator, in thousand images, after the burn-in.", least=0)

    # Augmentation
    augment: tuple[AugmentKind, ...] = option("Differentiable augmentations, separated by commas.", default=())
    augment_policy: Literal["fixed", "cosine", "adaptive"] = option(
        "How the augmentation probability moves: fixed, rising over the burn-in, or by the discriminator's signs.",
        default="cosine",
    )
    augment_p: float = option("Augmentation probability (its bound when adaptive).", default=0.3, least=0, most=1)
    augment_target: float = option("Sign statistic the adaptive policy aims at.", default=0.6)
    augment_shared: bool = option("One augmentation draw for the real and the fake of a pair.", default=True)

    # Budget
    kimg: float = option("Thousand images shown to the discriminator.", above=0)
    batch: int = option("Images a step, over all processes.", least=1)
    micro_batch: int = option("Images a process works on at once; smaller ones accumulate.", least=1)
    compile: bool = option("Compile generators with torch.compile: a minute at first, faster steps.", default=False)
    precision: Literal["float32", "bfloat16"] = option("Arithmetic of the networks' inner layers.")
    seed: int = option("Seed of everything random.", default=0, least=0, most=2**63 - 1)

    # What is kept
    tick_kimg: float = option("Thousand images between lines of statistics and health.", flag="tick_every", above=0)
    sample_every_kimg: float = option("Thousand images between sample grids.", flag="sample_every", above=0)
    checkpoint_every_kimg: float = option("Thousand images between checkpoints.", flag="checkpoint_every", above=0)
    evaluate_every_kimg: float = option("Thousand images between scores.", flag="evaluate_every", above=0)
    features: FeaturesName = option("Feature network whose distances score the run as well.", default="random")
    best_by: str = option(
        "Score whose lowest value keeps best.safetensors; its highest with :higher behind the name (psnr:higher).",
        default="random_feature_distance",
    )
    keep_last: int = option("Checkpoints kept.", default=2, least=1)
    keep_every_kimg: float = option(
        "Also keep a checkpoint every so many thousand images; 0 for none.", default=0.0, flag="keep_every", least=0
    )
    preview_count: int = option("Pictures in a sample grid.", default=64, least=1)
    tensorboard: bool = option("Also write TensorBoard events (needs: pip install tensorboard).", default=False)

    def __post_init__(self) -> None:
        check_ranges(self)
        if self.augment_policy == "adaptive" and self.augment_p > P_MAX:
            raise UsageError(
                f"--augment-p is {self.augment_p:g}, but under --augment-policy adaptive it may be at most {P_MAX:g}; "
                "above it, augmentations leak into what is painted."
            )

    @property
    def images_per_step(self) -> int:
        """Real images shown to the critics in one step: the unit in which kimg counts."""
        return self.batch * self.critic_steps

    @property
    def penalised(self) -> bool:
        """Whether the penalty looks at a gradient, which gamma weighs."""
        return self.penalty not in UNPENALISED

    @property
    def total_steps(self) -> int:
        """Steps of the whole budget."""
        return max(1, round(self.kimg * 1000 / self.images_per_step))

    def steps_every(self, kimg: float) -> int:
        """An interval in kimg as whole steps."""
        return max(1, round(kimg * 1000 / self.images_per_step))


SETTINGS = (TaskOptions, DataOptions, NetworkOptions, TrainingOptions)


@dataclass(frozen=True)
class TrainConfig:
    """A complete configuration: what the planner made of what was given."""

    task: TaskOptions
    data: DataOptions
    network: NetworkOptions
    training: TrainingOptions

    def flat(self) -> dict[str, Any]:
        """All options by name, as plain JSON values."""
        return {**asdict(self.task), **asdict(self.data), **asdict(self.network), **asdict(self.training)}
