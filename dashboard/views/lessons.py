"""The page Lessons: predict, run, see, explain. The runs are jobs; a step that is there already appears at once."""

from pathlib import Path

import streamlit as st

from dashboard import forms, glossary, library, markup, state
from dashboard.job import FOR_PEOPLE
from dashboard.lessons import LESSONS, Lesson, runs
from dashboard.library import Tree
from dashboard.views import elsewhere, lesson_result, lesson_run
from dashboard.views.scene import framed

STYLE = Path(__file__).parent.parent / "style.css"


def page(explore: st.Page) -> None:
    """Draw the page. explore: where a result can be opened."""
    st.html(STYLE)
    st.title("Lessons", anchor=False)
    st.html(
        '<p class="il-lede">Nine short experiments. Predict first, then run it: what you see is computed here '
        "and now, and it may not do what you, or the books, expect.</p>"
    )
    elsewhere.line()
    notices = st.container()
    lesson, job = _lesson(), lesson_run.followed()
    busy = job is not None and job.active
    menu = st.container()
    try:
        trees = [library.find(root.id) for root in library.experiments()]
        _question(lesson, trees, busy)
        lesson_run.panel(job, busy)
        if state.guess() is not None:
            lesson_result.panel(lesson, trees, explore, busy)
    except FOR_PEOPLE as error:  # something on disk is damaged: the sentence says what
        st.error(str(error), icon=":material/error:")
    with menu:
        _menu(lesson)
    _glossary()
    for sentence in state.notices():
        notices.warning(sentence, icon=":material/info:")


# Which lesson.


def _lesson() -> Lesson:
    """The lesson in the address, or the first that is not done."""
    asked, known = state.lesson(), {lesson.key: lesson for lesson in LESSONS}
    if asked is not None and asked not in known:
        state.tell(f"The address asked for a lesson “{asked}”, which does not exist.")
    if asked not in known:
        left = [lesson for lesson in LESSONS if lesson.key not in state.lessons_done()]
        asked = (left or list(LESSONS))[0].key
        state.go_to_lesson(asked)
    lesson = known[asked]
    if (guess := state.guess()) not in (None, lesson_run.NOTHING, *lesson.options):
        state.tell(f"The address had a prediction “{guess}”, which this lesson does not offer.")
        state.set_guess(None)
    return lesson


def _menu(lesson: Lesson) -> None:
    done = state.lessons_done()
    titles = {one.key: f"{number} · {one.title}" for number, one in enumerate(LESSONS, 1)}
    st.pills(
        f"{len(done)} of {len(LESSONS)} done" if done else "Choose a lesson",
        list(titles),
        key=state.widget("lesson", lesson.key),
        format_func=lambda key: f"{':material/check: ' if key in done else ''}{titles[key]}",
        on_change=state.heard(lambda: state.go_to_lesson(state.widget_value("lesson") or lesson.key)),
    )


# Predict.


def _question(lesson: Lesson, trees: list[Tree], busy: bool) -> None:
    left, right = st.columns([1.35, 1], gap="medium")
    with left, st.container(border=True, key="lesson-question", height="stretch"):
        st.caption(f"Lesson {LESSONS.index(lesson) + 1} of {len(LESSONS)} · {lesson.title}")
        st.html(markup.ask(lesson.question))
        st.html(markup.prose(lesson.story))
        _predict(lesson)
        _run_button(lesson, trees, busy)
    with (
        right,
        framed(
            "lesson-settings", "What is set", "A run in each column. The lesson is about the setting that is marked."
        ),
    ):
        st.html(_settings(lesson))
        stream = runs.base(lesson).stream
        st.caption(
            f"All else as in the preset {lesson.preset}: {stream.tasks} tasks of {stream.increment} classes, "
            f"{stream.train_per_class} training images of each."
        )


def _predict(lesson: Lesson) -> None:
    """The options; once the lesson was run, the choice stands."""
    guess = state.guess()
    options = list(lesson.options)
    key = state.choice(f"guess-{lesson.key}")
    if guess in options:
        key = state.widget(f"guess-{lesson.key}", guess)
    st.radio(
        "What do you predict?",
        options,
        index=None,
        format_func=lambda option: lesson.options[option],
        key=key,
        disabled=guess is not None,
        horizontal=True,
    )


def _run_button(lesson: Lesson, trees: list[Tree], busy: bool) -> None:
    ahead = runs.missing(trees, [runs.path(lesson, arm) for arm in lesson.arms])
    if state.guess() is not None and not ahead:
        st.button("Predict again", icon=":material/restart_alt:", key="lesson-again", on_click=_again, args=(lesson,))
        return
    st.button(
        f"Run it{lesson_run.time_in_words(ahead)}",
        type="primary",
        key="lesson-run",
        disabled=busy,
        help="Wait for this run." if busy else None,
        on_click=lesson_run.start,
        args=(lesson, list(lesson.arms), True),
    )


def _again(lesson: Lesson) -> None:
    state.go_to_lesson(lesson.key)


def _settings(lesson: Lesson) -> str:
    """A table of the settings in which the lesson's runs differ from what all lessons share."""
    configs = [runs.settings(lesson, arm) for arm in lesson.arms]
    names = [row[:2] for config in configs for row in forms.changes(runs.base(lesson), config)]
    names = list(dict.fromkeys([lesson.control, *names]))
    rows = [
        [forms.spec(*name).metadata["label"], *(forms.in_words(getattr(getattr(c, name[0]), name[1])) for c in configs)]
        for name in names
    ]
    return markup.table(["Setting", *(arm.title for arm in lesson.arms)], rows, marked=(0,))


def _glossary() -> None:
    with st.expander("Glossary", icon=":material/menu_book:"):
        st.html(markup.definitions((term.name, term.says) for term in glossary.TERMS if not term.formula))
        for term in glossary.TERMS:
            if term.formula:
                st.markdown(f"**{term.name}**  \n{term.says}  \n${term.formula}$")
