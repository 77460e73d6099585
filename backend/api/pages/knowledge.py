"""Pages: the knowledge base, entry by entry. The whole file and its versions have pages of their
own (knowledge_file.py)."""

import asyncio
from http import HTTPStatus
from typing import Annotated, Any
from urllib.parse import urlencode

import structlog
from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import RedirectResponse

from backend.agent.knowledge.editor import KnowledgeEditor, StaleKnowledgeError
from backend.agent.knowledge.entries import (
    SECTIONS,
    Section,
    Shape,
    fields_of,
    from_form,
    keys_of,
    removing,
    saving,
    section_of,
)
from backend.api.access import PageSupervisor, PageViewer
from backend.api.audit import Action, Note, mention
from backend.api.bot import Bot
from backend.api.errors import not_found
from backend.api.forms import WHOLE_FORM, Form
from backend.api.knowledge_forms import entry_form, findings, named, new_form, rows_of
from backend.api.principal import Principal
from backend.api.services import services_of
from backend.api.templating import page
from backend.core.errors import KnowledgeError

log = structlog.get_logger(__name__)

router = APIRouter(prefix="/knowledge", include_in_schema=False)

IN_USE_S = 10.0
"""How long a page waits for a change to be in use: training takes a second or two."""
FIRST = SECTIONS[0].name

SectionName = Annotated[str, Query(alias="section", max_length=40)]
Key = Annotated[str, Query(max_length=100)]


@router.get("")
async def list_entries(
    request: Request,
    _: PageViewer,
    section_name: SectionName = FIRST,
    q: Annotated[str, Query(max_length=100)] = "",
    saved: Annotated[str, Query(max_length=100)] = "",
    in_use: bool = True,
) -> Response:
    """The entries of one section."""
    section = _section(section_name)
    if section.shape is Shape.SINGLE:
        return RedirectResponse(_edit_address(section, ""), HTTPStatus.SEE_OTHER)
    editor = services_of(request).bot_parts.editor
    rows, trouble = [], None
    try:
        draft = await asyncio.to_thread(editor.read)
        rows = rows_of(section, draft.data, q)
    except KnowledgeError as error:
        trouble = error
    before = await version_before(editor) if saved else 0
    return page(
        request,
        "knowledge.html",
        sections=SECTIONS,
        section=section,
        rows=rows,
        query=q,
        saved=saved,
        in_use=in_use,
        before=before,
        has_few=any(row.key == saved and row.has_few for row in rows),
        trouble=trouble,
        may_add=section.shape is Shape.LIST,
    )


@router.get("/new")
async def new_question(
    request: Request, _: PageSupervisor, question: Annotated[str, Query(max_length=2000)] = ""
) -> Response:
    """A new question and answer, begun with what callers ask."""
    section = _section(FIRST)
    editor = services_of(request).bot_parts.editor
    draft = await asyncio.to_thread(editor.read)
    return _entry_page(request, section, "", new_form(section, question, draft.data), "")


@router.get("/edit")
async def edit_entry(
    request: Request, _: PageViewer, section_name: SectionName = FIRST, key: Key = ""
) -> Response:
    """One entry; without a key, a new one."""
    section = _section(section_name)
    draft = await asyncio.to_thread(services_of(request).bot_parts.editor.read)
    if section.shape is Shape.LIST and not key:
        return _entry_page(request, section, "", Form(), "")
    _require(section, key, draft.data)
    form, mark = entry_form(section, key, draft)
    return _entry_page(request, section, key, form, mark)


@router.post("/edit")
async def save_entry(
    request: Request, who: PageSupervisor, section_name: SectionName = FIRST, key: Key = ""
) -> Response:
    """Save an entry. What is wrong, or stale, is said beside what was typed."""
    section, form = _section(section_name), await Form.sent(request)
    bot = services_of(request).bot_parts
    entry = from_form(section, key, form.values)

    def save() -> None:
        draft = bot.editor.read()
        form.wrong.update(findings(bot.editor, draft, section, key, form.values))
        if not form.wrong:
            change = saving(section, key, entry, form.value("mark"))
            bot.editor.save(change, who.name, named(section, key, entry))

    try:
        await asyncio.to_thread(save)
    except StaleKnowledgeError as error:
        return await _stale_page(request, section, key, form, error)
    except KnowledgeError as error:
        form.wrong[WHOLE_FORM] = str(error)
    if form.wrong:
        status = HTTPStatus.UNPROCESSABLE_ENTITY
        return _entry_page(request, section, key, form, form.value("mark"), status=status)
    await note_change(request, who, named(section, key, entry))
    name = str(entry.get(section.key, "")) if section.shape is Shape.LIST else key
    return _saved(section, name, in_use=await put_in_use(bot))


@router.post("/remove")
async def remove_entry(
    request: Request, who: PageSupervisor, section_name: SectionName = FIRST, key: Key = ""
) -> Response:
    """Take an entry out; it stays in the versions."""
    section, form = _section(section_name), await Form.sent(request)
    bot = services_of(request).bot_parts
    if section.shape is not Shape.LIST:
        raise not_found("removable entry", key)
    what = f"{named(section, key, None)} (removed)"
    change = removing(section, key, form.value("mark"))
    try:
        await asyncio.to_thread(bot.editor.save, change, who.name, what)
    except KnowledgeError as error:
        draft = await asyncio.to_thread(bot.editor.read)
        _require(section, key, draft.data)
        form, mark = entry_form(section, key, draft)
        form.wrong[WHOLE_FORM] = error.message
        status = HTTPStatus.CONFLICT
        return _entry_page(request, section, key, form, mark, status=status)
    await note_change(request, who, what)
    return _saved(section, f"{key} (removed)", in_use=await put_in_use(bot))


async def version_before(editor: KnowledgeEditor) -> int:
    """Number of the version that the newest one replaced; 0 when there is none."""
    newest = await asyncio.to_thread(editor.history.versions, 2)
    return newest[1].number if len(newest) > 1 else 0


async def note_change(request: Request, who: Principal, what: str) -> None:
    """Write down who changed the knowledge base; what exactly stands in its versions, with who did.
    That is why a database that is down does not make a change that was made look as if it failed.
    """
    log.info("knowledge-changed", by=who.user_id)
    await mention(request, who, Note(Action.KNOWLEDGE_CHANGED, "knowledge base", what))


async def put_in_use(bot: Bot) -> bool:
    """Have the changed file in use by the time the next page is shown; False if that takes long.

    The store goes on by itself then.
    """
    try:
        async with asyncio.timeout(IN_USE_S):
            await bot.knowledge.check()
    except TimeoutError:
        log.info("knowledge-in-use-later", waited_s=IN_USE_S)
        return False
    return True


async def _stale_page(
    request: Request, section: Section, key: str, form: Form, error: StaleKnowledgeError
) -> Response:
    """What was typed, beside what the entry is now; saving again replaces that."""
    draft = await asyncio.to_thread(services_of(request).bot_parts.editor.read)
    form.wrong[WHOLE_FORM] = str(error)
    if key and key not in keys_of(section, draft.data):
        # Removed meanwhile: what was typed can be saved as a new entry.
        return _entry_page(request, section, "", form, "", status=HTTPStatus.CONFLICT)
    theirs, mark = entry_form(section, key, draft)
    status = HTTPStatus.CONFLICT
    return _entry_page(request, section, key, form, mark, theirs=theirs, status=status)


def _entry_page(
    request: Request,
    section: Section,
    key: str,
    form: Form,
    mark: str,
    *,
    theirs: Form | None = None,
    status: HTTPStatus = HTTPStatus.OK,
) -> Response:
    is_new = section.shape is Shape.LIST and not key
    return page(
        request,
        "knowledge_edit.html",
        status=status,
        sections=SECTIONS,
        section=section,
        key=key,
        is_new=is_new,
        fields=fields_of(section, key),
        form=form,
        mark=mark,
        theirs=theirs,
        may_remove=section.shape is Shape.LIST and not is_new,
        address=_edit_address(section, key),
        remove_address=f"/knowledge/remove?{urlencode({'section': section.name, 'key': key})}",
    )


def _section(name: str) -> Section:
    section = section_of(name)
    if section is None:
        raise not_found("section", name)
    return section


def _require(section: Section, key: str, data: Any) -> None:
    if key not in keys_of(section, data):
        raise not_found(section.title.lower(), f"“{key}”")


def _edit_address(section: Section, key: str) -> str:
    return f"/knowledge/edit?{urlencode({'section': section.name, 'key': key})}"


def _saved(section: Section, name: str, *, in_use: bool) -> Response:
    if section.shape is Shape.SINGLE:
        section, name = SECTIONS[0], section.title
    query = urlencode({"section": section.name, "saved": name, "in_use": int(in_use)})
    return RedirectResponse(f"/knowledge?{query}", HTTPStatus.SEE_OTHER)
