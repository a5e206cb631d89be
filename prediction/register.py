"""The register of models: keeping one, its file beside the database, and taking the newest out again.

A model's file is written by skops, which holds no code; it is read only when its digest is that of the register, and
only with the one type beyond plain arrays and scikit-learn's own that a model is made of.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
from sqlmodel import Session, col, select

from ar.core.audit import Act, record
from ar.core.errors import DomainError, NotFoundError
from prediction.evaluation import Payer
from prediction.features import NAMES
from prediction.model import STEP_NAMES, PaymentModel, Typical
from prediction.models import ModelKind, PredictionModel
from prediction.naive import NaivePayer

TRUSTED: Final = ("sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",)
FOLDER: Final = "models"


class ModelMissingError(NotFoundError):
    """No model has been trained yet, or none has that number."""

    code = "model-missing"


class ModelFileError(DomainError):
    """The file of a registered model is missing, altered or of another version of the program."""

    status = 500
    code = "model-file"


def keep_file(model: PaymentModel, var_dir: Path) -> tuple[str, str]:
    """Write `model` under `var_dir`; its path there and its SHA-256."""
    import skops.io

    content: bytes = skops.io.dumps(
        {
            "classifier": model.classifier,
            "columns": list(columns_of(model)),
            "used": model.used,
            "tail": model.tail,
            "typical": model.typical.features,
            "usual": model.typical.usual,
            "shares": model.typical.shares,
        }
    )
    digest = hashlib.sha256(content).hexdigest()
    name = f"{FOLDER}/payment-{digest[:16]}.skops"
    path = var_dir / name
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(f".{secrets.token_hex(4)}")
    draft.write_bytes(content)
    draft.replace(path)
    return name, digest


def columns_of(model: PaymentModel) -> list[str]:
    """The names of the columns that a model uses."""
    return [(*NAMES, *STEP_NAMES)[at] for at in model.used]


def load(found: PredictionModel, var_dir: Path) -> Payer:
    """The model as it was registered, ready to foresee. Raises ModelFileError."""
    if found.kind is ModelKind.NAIVE:
        return NaivePayer(found.tail)
    path = var_dir / str(found.path)
    mend = "train again with `amiable train`"
    if not path.is_file():
        raise ModelFileError(f"The file of model {found.id} is missing under var_dir: restore it, or {mend}")
    content = path.read_bytes()
    if hashlib.sha256(content).hexdigest() != found.digest:
        raise ModelFileError(f"The file of model {found.id} is not the one that was registered: {mend}")
    import skops.io

    held: Mapping[str, Any] = skops.io.loads(content, trusted=list(TRUSTED))
    typical = Typical(held["typical"], held["usual"], held["shares"])
    model = PaymentModel(held["classifier"], np.asarray(held["used"]), float(held["tail"]), typical)
    if max(model.used) >= len(NAMES) + len(STEP_NAMES) or columns_of(model) != held["columns"]:
        raise ModelFileError(f"Model {found.id} was trained by another version of this program: {mend}")
    return model


def register(session: Session, model: PredictionModel, *, by: str) -> PredictionModel:
    """Put a trained model on the register, where it is the one in force from now on."""
    session.add(model)
    session.flush()
    change = {"kind": model.kind, "as_of": model.as_of.isoformat(), "digest": model.digest, "metrics": model.metrics}
    record(session, [Act(by, "prediction.trained", f"prediction_model:{model.id}", change)], now=model.trained_at)
    return model


def newest_model(session: Session) -> PredictionModel | None:
    """The model in force, the one registered last, when there is one."""
    return session.exec(select(PredictionModel).order_by(col(PredictionModel.id).desc()).limit(1)).first()


def latest_model(session: Session) -> PredictionModel:
    """The model in force. Raises ModelMissingError."""
    found = newest_model(session)
    if found is None:
        raise ModelMissingError("No model has been trained yet: run `amiable train` first")
    return found


def model_by_id(session: Session, model_id: int) -> PredictionModel:
    """Raises ModelMissingError."""
    found = session.get(PredictionModel, model_id)
    if found is None:
        raise ModelMissingError(f"There is no model {model_id}: list them at /api/v1/models")
    return found
