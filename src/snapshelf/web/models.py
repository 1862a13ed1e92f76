"""The store's models as staff see them, and the choice among them."""

from __future__ import annotations

from fastapi import HTTPException

from snapshelf.artifacts.cards import ModelCard
from snapshelf.artifacts.store import Store
from snapshelf.errors import ArtifactMissingError, StoreError
from snapshelf.pipelines.models import index_made_by
from snapshelf.pipelines.models import use_model as use
from snapshelf.web.shadow import Shadow
from snapshelf.web.staff_schemas import ModelOut, ModelState, ShadowOut
from snapshelf.web.state import RequestState


def models_of(state: RequestState) -> list[ModelOut]:
    """The newest first; those whose cards are not read here are passed over."""
    store = state.store
    if store is None:
        return [_of(state.shelf.model, has_index=True, state="serving")]
    chosen = store.current("models").name if store.has_current("models") else None
    found = [
        _of(
            card,
            has_index=index_made_by(store, card.id) is not None,
            state="serving" if card.id == state.shelf.model.id else "chosen" if card.id == chosen else "ready",
        )
        for card in reversed(_readable_cards(store))
    ]
    if state.shadow is None:
        return found
    beside, shadow_id = _of_shadow(state.shadow), state.shadow.card.id
    return [each.model_copy(update={"shadow": beside}) if each.id == shadow_id else each for each in found]


def _of_shadow(shadow: Shadow) -> ShadowOut | None:
    seen = shadow.seen
    if not seen.num_photos:
        return None
    return ShadowOut(
        num_photos=seen.num_photos,
        agreement=round(seen.num_agreed / seen.num_photos, 4),
        mean_difference=round(seen.mean_difference, 4),
    )


def choose_model(state: RequestState, model_id: str) -> None:
    """Put a model in use; the server follows by itself.

    Raises:
        HTTPException: 404, there is no such model; 409, it has no index, or this server has no store to choose from.
    """
    if state.store is None:
        raise HTTPException(409, f"This server serves {state.shelf.model.id} alone.")
    state.check_writable()
    try:
        state.store.existing("models", model_id)
    except ArtifactMissingError:
        there = ", ".join(state.store.ids("models"))
        raise HTTPException(404, f"There is no model {model_id!r}; the store has: {there}.") from None
    if index_made_by(state.store, model_id) is None:
        raise HTTPException(
            409,
            f"The model {model_id} has no index, so it would have no products to recommend. Where the store is, run: "
            f"snapshelf index CATALOGUE --model {model_id}",
        )
    use(state.store, model_id)


def _of(card: ModelCard, *, has_index: bool, state: ModelState) -> ModelOut:
    num_photos = card.training.get("num_photos")
    return ModelOut(
        id=card.id,
        created_at=card.created_at,
        backbone=card.backbone,
        recipe=card.recipe,
        dataset_id=card.dataset_id,
        num_classes=len(card.labels),
        num_photos=None if num_photos is None else int(num_photos),
        accuracy=card.validation.get("accuracy"),
        macro_f1=card.validation.get("macro_f1"),
        ece=card.validation.get("ece"),
        has_index=has_index,
        state=state,
    )


def _readable_cards(store: Store) -> list[ModelCard]:
    cards = []
    for model_id in store.ids("models"):
        try:
            cards.append(ModelCard.read(store.folder("models", model_id)))
        except StoreError:
            continue
    return cards
