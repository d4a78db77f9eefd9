"""Does it remember: forgetting curves, the accuracy matrix, and what happens while a task is learned."""

import streamlit as st

from cl_core import metrics
from dashboard import markup, state
from dashboard.charts import forgetting as charts
from dashboard.charts import losses
from dashboard.views import overlay
from dashboard.views.plot import plot
from dashboard.views.scene import SPLITS, Scene, composed, framed

LOSS_WORDS = {
    "total": "sum", "cross_entropy": "cross-entropy", "local_ce": "new classes (local cross-entropy)",
    "hard_kd": "old logits (hard distillation)", "feature_kd": "old features", "readout": "read-out",
    "relational_kd": "angles (relational distillation)", "balance": "head (balance)", "statistics": "statistics",
    "text_kd": "old texts (text distillation)",
}  # fmt: skip


def curves(scene: Scene) -> None:
    """Forgetting curves, with other runs laid over them."""
    reading = "A line falls when its task is forgotten. Bold: all the classes seen so far, without being told the task."
    with framed("forgetting", "Does it remember?", reading):
        picture = st.container()
        with st.container(horizontal=True, vertical_alignment="bottom"):
            choice = {"key": state.choice("split"), "default": "validation", "required": True}
            st.segmented_control("Accuracy on", SPLITS, **choice)  # type: ignore[call-overload]
            st.caption("Choose settings by validation; quote test, once, in the end.", width="content")
        upto = len(scene.accuracy())
        laid = overlay.choose(scene)
        runs = [one.run for one in laid]
        owners = [] if scene.domains else [scene.classes(task) for task in range(len(scene.node.task_sizes))]
        figure = composed(
            ("forgetting", scene.node.id, scene.split, scene.ink, *(repr(run) for run in runs)),
            lambda: charts.curves(
                scene.accuracy(),
                scene.totals(),
                scene.task_names,
                scene.first_classes,
                scene.ink,
                runs,
                owners,
            ),
        )
        with picture:
            plot(figure, key="forgetting", alt="Accuracy of each task after each step")
            st.html(markup.task_key(scene.task_names[:upto], scene.first_classes, _lines(scene, laid)))


def _lines(scene: Scene, laid: list[overlay.Overlay]) -> list[tuple[str, str]]:
    """What the bold line and those laid over it are: (a sample, words)."""
    lines = [(markup.line(scene.ink.text, "solid"), "all the classes seen")]
    for i, one in enumerate(laid):
        lines.append((markup.line(scene.ink.quiet, charts.dash(i)), one.words))
    return lines


def matrix(scene: Scene) -> None:
    """The accuracy matrix and what follows from it; or which class is taken for which."""
    counts = scene.record.get("confusion", {}).get(scene.split)
    by_class = counts is not None and state.chosen("matrix-of", "tasks") == "classes"
    question, reading = (
        ("Which class is taken for which?", "A row is a true class: of 100 of its images, how many are named what?")
        if by_class
        else (
            "Which task is remembered when?",
            "Read down a column: the same task, later and later. The diagonal is each task when it was new.",
        )
    )
    with framed("matrix", question, reading):
        rows = scene.accuracy()
        what = scene.node.id, scene.split, scene.ink
        if by_class:
            figure = composed(
                ("confusion", *what, scene.stressed),
                lambda: charts.confusion(counts, scene.names, scene.ink, scene.stressed),
            )
        else:
            figure = composed(("matrix", *what), lambda: charts.matrix(rows, len(scene.node.task_sizes), scene.ink))
        alt = "The confusion matrix" if by_class else "The accuracy matrix"
        plot(figure, key="matrix", alt=alt)
        _, average = metrics.forgetting(rows)
        sizes = scene.node.task_sizes
        facts = [
            ("Accuracy now", markup.percent(scene.totals()[-1])),
            ("Average incremental accuracy", markup.percent(metrics.average_incremental_accuracy(rows, sizes))),
            ("Forgetting", "–" if average is None else markup.percent(average)),
        ]
        st.html(markup.facts(facts))
        if counts is not None:
            choice = {"key": state.choice("matrix-of"), "default": "tasks", "required": True}
            st.segmented_control("Accuracy by", ["tasks", "classes"], **choice)  # type: ignore[call-overload]


def while_learning(scene: Scene) -> None:
    """The newest task's training: accuracies of all tasks after each epoch, and the terms of the loss."""
    rows, terms = scene.record.get("epoch_accuracy", []), scene.record.get("curves", {})
    if not rows:
        return
    left, right = st.columns(2)
    task = scene.node.tasks_learned
    with left:
        reading = (
            "Validation accuracy after each epoch. The thick line is the new task; the others are what it may cost."
        )
        with framed("epochs", f"What happened to the old tasks while task {task} was learned?", reading):
            figure = composed(
                ("epochs", scene.node.id, scene.ink),
                lambda: charts.while_learning(rows, scene.task_names, scene.first_classes, scene.ink),
            )
            plot(figure, key="epochs", alt="Accuracy of each task after each epoch")
            st.html(markup.task_key(scene.task_names[: len(rows[0])], scene.first_classes))
    with right:
        reading = "Each term as it is weighted in the sum, on a logarithmic scale."
        with framed("losses", "What did learning pull on?", reading):
            figure = composed(
                ("losses", scene.node.id, scene.ink), lambda: losses.by_name(terms, LOSS_WORDS, scene.ink)
            )
            plot(figure, key="losses", alt="The terms of the loss")
            st.html(markup.key([(markup.line(*look), name) for look, name in losses.samples(figure)]))
