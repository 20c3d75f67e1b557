"""scikit-learn's own checks, a pipeline, and an unknown."""

import numpy as np
import pytest
from drawn import nobody, portrait

pytest.importorskip("sklearn")
from sklearn.model_selection import cross_val_score  # noqa: E402
from sklearn.pipeline import make_pipeline  # noqa: E402
from sklearn.utils.estimator_checks import parametrize_with_checks  # noqa: E402

from likeness.sklearn import FaceClassifier, FaceEmbedder  # noqa: E402


# FaceEmbedder takes photos, of which scikit-learn's checks have none.
@parametrize_with_checks([FaceClassifier()])
@pytest.mark.filterwarnings("ignore")
def test_estimator_checks(estimator, check):
    check(estimator)


@pytest.fixture(scope="module")
def data():
    return [portrait(p, 40 * p + i) for p in range(3) for i in range(8)], [f"person_{p}" for p in range(3) for _ in range(8)]


def test_in_a_pipeline(packs, data):
    model = make_pipeline(FaceEmbedder("tiny", models=packs), FaceClassifier())
    scores = cross_val_score(model, *data, cv=4, error_score="raise")
    assert scores.tolist() == [1, 1, 1, 1]
    model.fit(*data)
    assert model.predict(data[0][:2]).tolist() == ["person_0", "person_0"]
    proba = model.predict_proba([portrait(2, 300)])
    assert proba.shape == (1, 3)
    assert proba.argmax() == 2


def test_chips_and_missing_faces(packs, recognizer, data):
    chips = np.stack([r.chips[0] for r in recognizer.find_many(data[0][:4], main_face=True)])
    rows = FaceEmbedder("tiny", models=packs, chips=True).fit_transform(chips)
    assert np.allclose(rows, FaceEmbedder("tiny", models=packs).transform(data[0][:4]), atol=1e-5)
    with pytest.raises(ValueError, match=r"X\[1\]: no face"):
        FaceEmbedder("tiny", models=packs).transform([data[0][0], nobody(1)])
    assert not FaceEmbedder("tiny", models=packs, no_face="zero").transform([nobody(1)]).any()


def test_unknown(packs, data):
    model = make_pipeline(FaceEmbedder("tiny", models=packs), FaceClassifier(unknown="nobody", threshold=0.7))
    model.fit(*data)
    assert model.predict([portrait(1, 500), portrait(14, 501)]).tolist() == ["person_1", "nobody"]


def test_the_usual_model_is_the_tutorials():
    assert FaceEmbedder().model == "20180408-102900"
