"""The page Lessons: predict, run, see, explain. The runs are jobs; a step that is there already appears at once."""

from pathlib import Path

import streamlit as st

from cl_core.config import ConfigError
from cl_core.snapshot import Snapshot
from dashboard import estimate, forms, glossary, library, markup, state
from dashboard.job import FOR_PEOPLE, REGISTRY, Job
from dashboard.lessons import LESSONS, Arm, Lesson, runs
from dashboard.library import Tree
from dashboard.views import elsewhere, lesson_figures, live
from dashboard.views.lesson_figures import Shown
from dashboard.views.polling import polled
from dashboard.views.scene import Scene, framed, ink

STYLE = Path(__file__).parent.parent / "style.css"
POLL = 0.5  # seconds
NOTHING = "none"  # predicted


def page(explore: st.Page) -> None:
    """Draw the page. explore: where a result can be opened."""
    state.enter("lessons")
    st.html(STYLE)
    st.title("Lessons", anchor=False)
    st.html(
        '<p class="il-lede">Eight short experiments. Predict first, then run it: what you see is computed here '
        "and now, and it may not do what you, or the books, expect.</p>"
    )
    elsewhere.line()
    notices = st.container()
    lesson, job = _lesson(), _job()
    busy = job is not None and job.active
    menu = st.container()
    try:
        trees = [library.find(root.id) for root in library.experiments()]
        _question(lesson, trees, busy)
        _now(job, busy)
        if state.guess() is not None:
            _result(lesson, trees, explore, busy)
    except FOR_PEOPLE as error:  # something on disk is damaged: the sentence says what
        st.error(str(error), icon=":material/error:")
    with menu:
        _menu(lesson)
    _glossary()
    for sentence in state.notices():
        notices.warning(sentence, icon=":material/info:")
    state.leave("lessons")


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
    if (guess := state.guess()) not in (None, NOTHING, *lesson.options):
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
        on_change=lambda: state.go_to_lesson(state.widget_value("lesson") or lesson.key),
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
        config = runs.base()
        st.caption(
            f"All else as in the preset quick: {config.stream.tasks} tasks of {config.stream.increment} classes, "
            f"{config.stream.train_per_class} training images of each."
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
        f"Run it{_time(ahead)}",
        type="primary",
        key="lesson-run",
        disabled=busy,
        help="Wait for this run." if busy else None,
        on_click=_run,
        args=(lesson, list(lesson.arms), True),
    )


def _time(ahead: list[runs.Move]) -> str:
    """How long these steps will take here, in words that go on a button."""
    if not ahead:
        return " · it is there already"
    expected = runs.expected(ahead, library.experience())
    return "" if None in expected else f" · {estimate.in_words(sum(seconds or 0.0 for seconds in expected))}"


def _run(lesson: Lesson, arms: list[Arm], predicted: bool) -> None:
    """Compute what is missing of these runs. predicted: the lesson's own, whose prediction is taken now."""
    if predicted:
        state.set_guess(state.chosen(f"guess-{lesson.key}", None) or state.guess() or NOTHING)
    trees = [library.find(root.id) for root in library.experiments()]
    paths = [(arm.title, runs.path(lesson, arm)) for arm in arms]
    ahead = runs.missing(trees, [path for _, path in paths])
    if ahead:
        store = library.own_store()
        expected = runs.expected(ahead, library.experience())
        title = f"Lesson {LESSONS.index(lesson) + 1}, {lesson.title}"
        job = REGISTRY.submit(title, lambda: runs.compute(paths, store, len(ahead)), expected=expected)
        state.watch(job.id)


def _again(lesson: Lesson) -> None:
    state.go_to_lesson(lesson.key)


def _settings(lesson: Lesson) -> str:
    """A table of the settings in which the lesson's runs differ from what all lessons share."""
    configs = [runs.settings(arm) for arm in lesson.arms]
    names = [row[:2] for config in configs for row in forms.changes(runs.base(), config)]
    names = list(dict.fromkeys([lesson.control, *names]))
    rows = [
        [forms.spec(*name).metadata["label"], *(forms.in_words(getattr(getattr(c, name[0]), name[1])) for c in configs)]
        for name in names
    ]
    return markup.table(["Setting", *(arm.title for arm in lesson.arms)], rows, marked=(0,))


# Run.


def _job() -> Job | None:
    """The job that the address names. When it is over, the page lets go of it; a failed one stays until dismissed."""
    name = state.run_id()
    job = REGISTRY.get(name) if name else None
    if name and job is None:
        state.tell("The run in the address is over, or it belongs to a program that has been restarted.")
    if job is not None and job.state == "cancelled":
        state.tell(f"The run was stopped. {job.message} What was computed before is kept.")
    if job is None or job.state in ("done", "cancelled"):
        state.watch(None)
        return None
    return job


def _now(job: Job | None, busy: bool) -> None:
    polled(_poll, POLL if busy else None, None if job is None else job.id, busy)


def _poll(job_id: str | None, busy: bool) -> None:
    job = REGISTRY.get(job_id) if job_id else None
    if job is None:
        return
    if busy and not job.active:
        st.rerun()
    elif job.state == "failed":
        live.failure(job)
    elif busy:
        with st.container(border=True, key="live"):
            st.caption(job.title)
            live.running(job, _scene_of(job))


def _scene_of(job: Job) -> Scene | None:
    """What the tasks and classes of a job are called, as soon as its root is there."""
    if not job.made:
        return None
    tree = library.find(job.made[-1])
    return _scene(tree, tree.nodes[job.made[-1]])


def _scene(tree: Tree, node: Snapshot) -> Scene:
    return Scene(tree, node, "test", frozenset(), ink())


# See and explain.


def _result(lesson: Lesson, trees: list[Tree], explore: st.Page, busy: bool) -> None:
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
    return Shown(arm, _scene(tree, nodes[-1]))


def _verdict(lesson: Lesson, found: list[Shown]) -> str:
    """The sentence that the numbers of the lesson's own runs make, and whether the prediction came true."""
    came = lesson.verdict({one.arm.name: _measured(lesson, one) for one in found})
    guess = state.guess()
    if guess == NOTHING:
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
    config = runs.settings(own or on)
    section, field = lesson.tries
    st.markdown("#### Try another value", anchors=False)
    st.caption(f"Everything else as in the run “{on.title}”.")
    with st.container(key="lesson-control"):
        forms.control(
            section,
            field,
            getattr(getattr(config, section), field),
            lambda _section, _field, value: _change(lesson, value),
            prefix="lesson",
            base=runs.base(),
            base_name="quick",
            slider=True,
        )
    if own is None:
        st.caption("This value is among the runs above.")
    elif there:
        st.caption("It is the run “Yours” above.")
    else:
        ahead = runs.missing(trees, [runs.path(lesson, own)])
        st.button(
            f"Run it with this value{_time(ahead)}",
            type="primary",
            width="stretch",
            key="lesson-try",
            disabled=busy,
            on_click=_run,
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


def _glossary() -> None:
    with st.expander("Glossary", icon=":material/menu_book:"):
        st.html(markup.definitions((term.name, term.says) for term in glossary.TERMS if not term.formula))
        for term in glossary.TERMS:
            if term.formula:
                st.markdown(f"**{term.name}**  \n{term.says}  \n${term.formula}$")
