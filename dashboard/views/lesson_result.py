"""What came out of a lesson: the verdict, the figures, why, another value to try, and where to go on."""

import streamlit as st

from cl_core.config import ConfigError
from dashboard import forms, markup, state
from dashboard.lessons import LESSONS, Arm, Lesson, runs
from dashboard.library import Tree
from dashboard.views import lesson_figures, lesson_run
from dashboard.views.lesson_figures import Shown


def panel(lesson: Lesson, trees: list[Tree], explore: st.Page, busy: bool) -> None:
    """What came out, if all of the lesson's runs are there."""
    shown = [_shown(lesson, arm, trees) for arm in lesson.arms]
    found = [one for one in shown if one is not None]
    if len(found) < len(lesson.arms):
        return
    state.lessons_done().add(lesson.key)
    own = _own_arm(lesson)
    yours = _shown(lesson, own, trees) if own is not None else None
    everything = [*found, *([yours] if yours else [])]
    with st.container(border=True, key="lesson-result"):
        st.markdown("#### What came out", anchors=False)
        said, numbers = st.columns([1.35, 1], gap="medium")
        said.html(_verdict(lesson, found))
        numbers.html(_numbers(lesson, everything))
    lesson_figures.draw(lesson, everything)
    left, right = st.columns([1.35, 1], gap="medium")
    with left, st.container(border=True, key="lesson-why", height="stretch"):
        st.markdown("#### Why", anchors=False)
        st.latex(lesson.equation)
        st.caption(lesson.where)
        st.html(markup.prose(lesson.explanation))
    with right, st.container(border=True, key="lesson-go-on", height="stretch"):
        _try(lesson, own, yours is not None, trees, busy)
        _doors(everything, explore)
        _next(lesson)


def _shown(lesson: Lesson, arm: Arm, trees: list[Tree]) -> Shown | None:
    """A run of the lesson as it can be looked at, if it is there to its end."""
    moves = runs.path(lesson, arm)
    tree, nodes = runs.walk(trees, moves)
    if tree is None or len(nodes) <= len(moves):
        return None
    return Shown(arm, lesson_run.scene_of(tree, nodes[-1]))


def _verdict(lesson: Lesson, found: list[Shown]) -> str:
    """The sentence that the numbers of the lesson's own runs make, and whether the prediction came true."""
    came = lesson.verdict({one.arm.name: _measured(lesson, one) for one in found})
    guess = state.guess()
    if guess == lesson_run.NOTHING:
        head = f"You made no prediction. What came out: {lesson.options[came.answer].lower()}."
    elif guess == came.answer:
        head = "✓ As you predicted."
    else:
        predicted, answer = lesson.options[str(guess)], lesson.options[came.answer]
        head = f"Not as you predicted: you said “{predicted}”, and it is “{answer}”."
    return markup.verdict(head, came.sentence)


def _measured(lesson: Lesson, one: Shown) -> dict[str, float]:
    return {key: measure.of(one.whole) for key, measure in lesson.measures.items()}


def _numbers(lesson: Lesson, everything: list[Shown]) -> str:
    rows = []
    for one in everything:
        numbers = _measured(lesson, one)
        cells = [markup.percent(numbers[k]) if m.percent else f"{numbers[k]:.2f}" for k, m in lesson.measures.items()]
        rows.append([f'<b class="il-run">{one.arm.title}</b>', *cells])
    head = ["Run", *(markup.terms(measure.title) for measure in lesson.measures.values())]
    return markup.table(head, rows, numbers=range(1, len(head)))


def _own_arm(lesson: Lesson) -> Arm | None:
    """The run with the value in the address; None without one, or when it is one of the lesson's own."""
    text = state.tried()
    if text is None:
        return None
    try:
        arm = runs.with_value(lesson, state.parse(text, forms.spec(*lesson.tries).default))
    except ConfigError as error:
        state.tell(f"The address had a value to try that cannot be used. {error}")
        state.set_tried(None)
        return None
    return None if any(runs.same(lesson, arm, other) for other in lesson.arms) else arm


def _try(lesson: Lesson, own: Arm | None, there: bool, trees: list[Tree], busy: bool) -> None:
    """The one control, with the value that was tried or the lesson's own."""
    on = next(arm for arm in lesson.arms if arm.name == lesson.tries_on)
    config = runs.settings(lesson, own or on)
    section, field = lesson.tries
    st.markdown("#### Try another value", anchors=False)
    st.caption(f"Everything else as in the run “{on.title}”.")
    with st.container(key="lesson-control"):
        forms.control(
            section,
            field,
            getattr(getattr(config, section), field),
            state.heard(lambda _section, _field, value: _change(lesson, value)),
            prefix="lesson",
            base=runs.base(lesson),
            base_name=lesson.preset,
            slider=True,
        )
    if own is None:
        st.caption("This value is among the runs above.")
    elif there:
        st.caption("It is the run “Yours” above.")
    else:
        ahead = runs.missing(trees, [runs.path(lesson, own)])
        st.button(
            f"Run it with this value{lesson_run.time_in_words(ahead)}",
            type="primary",
            width="stretch",
            key="lesson-try",
            disabled=busy,
            on_click=lesson_run.start,
            args=(lesson, [own], False),
        )


def _change(lesson: Lesson, value: object) -> None:
    runs.with_value(lesson, value)  # refuses what is out of range
    state.set_tried(value)


def _doors(everything: list[Shown], explore: st.Page) -> None:
    """Each run's last moment, on the Explore page, with its settings."""
    st.markdown("#### Open in Explore", anchors=False)
    with st.container(horizontal=True, gap="small"):
        for one in everything:
            if st.button(one.arm.title, icon=":material/open_in_new:", key=f"lesson-open-{one.arm.name}"):
                st.switch_page(explore, query_params=state.address_to(one.scene.node))


def _next(lesson: Lesson) -> None:
    number = LESSONS.index(lesson) + 1
    if number < len(LESSONS):
        following = LESSONS[number]
        st.button(
            f"Next lesson: {following.title}",
            icon=":material/arrow_forward:",
            width="stretch",
            key="lesson-next",
            on_click=state.go_to_lesson,
            args=(following.key,),
        )
