"""Pages: the knowledge base as one file, and its versions."""

import asyncio
from http import HTTPStatus
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Path, Query, Request, Response
from fastapi.responses import RedirectResponse
from starlette.datastructures import UploadFile

from backend.agent.knowledge.editor import StaleKnowledgeError
from backend.agent.knowledge.entries import SECTIONS
from backend.agent.knowledge.history import fingerprint_of
from backend.agent.knowledge.load import LARGEST_BYTES, read_file, refuse_large
from backend.api.access import PageSupervisor, PageViewer
from backend.api.forms import WHOLE_FORM, Form
from backend.api.pages.knowledge import note_change, put_in_use, version_before
from backend.api.principal import Principal
from backend.api.services import services_of
from backend.api.templating import page
from backend.core.errors import KnowledgeError

router = APIRouter(prefix="/knowledge", include_in_schema=False)

Number = Annotated[int, Path(ge=1, le=10**6)]


@router.get("/file")
async def show_file(
    request: Request, _: PageSupervisor, saved: bool = False, in_use: bool = True
) -> Response:
    """The file as it is, however wrong."""
    raw = await asyncio.to_thread(read_file, services_of(request).bot_parts.editor.path)
    form = Form({"text": raw.decode("utf-8-sig", "replace"), "based_on": fingerprint_of(raw)})
    editor = services_of(request).bot_parts.editor
    before = await version_before(editor) if saved else 0
    return _file_page(request, form, saved=saved, in_use=in_use, before=before)


@router.post("/file")
async def save_file(request: Request, who: PageSupervisor) -> Response:
    """Replace the whole file."""
    form = await Form.sent(request)
    text = form.value("text").replace("\r\n", "\n")
    return await _replace(request, who, form, text, form.value("based_on"))


@router.post("/upload")
async def upload_file(request: Request, who: PageSupervisor) -> Response:
    """Replace the whole file with one from the visitor's machine."""
    async with request.form() as body:
        try:
            text = await _text_of(body.get("file"))
        except KnowledgeError as error:
            return await _refused(request, Form(wrong={"file": str(error)}))
    return await _replace(request, who, Form({"text": text}), text, "")


@router.get("/download")
async def download_file(request: Request, _: PageViewer) -> Response:
    """The file, to keep or to edit elsewhere."""
    path = services_of(request).bot_parts.editor.path
    raw = await asyncio.to_thread(read_file, path)
    headers = {"content-disposition": 'attachment; filename="company_kb.json"'}
    return Response(raw, media_type="application/json", headers=headers)


@router.get("/versions")
async def list_versions(
    request: Request,
    _: PageViewer,
    restored: Annotated[int, Query(ge=0, le=10**6)] = 0,
    in_use: bool = True,
) -> Response:
    """Every version kept, newest first."""
    editor = services_of(request).bot_parts.editor
    await asyncio.to_thread(editor.note_outside_changes)
    versions = await asyncio.to_thread(editor.history.versions)
    return page(
        request,
        "knowledge_versions.html",
        sections=SECTIONS,
        section=None,
        versions=versions,
        restored=restored,
        in_use=in_use,
    )


@router.get("/versions/{number}")
async def show_version(request: Request, _: PageViewer, number: Number) -> Response:
    """What one version changed."""
    return await _version_page(request, number)


@router.post("/versions/{number}/restore")
async def restore_version(request: Request, who: PageSupervisor, number: Number) -> Response:
    """Go back to a version: undo. The versions since stay in the list."""
    bot = services_of(request).bot_parts
    try:
        await asyncio.to_thread(bot.editor.restore, number, who.name)
    except KnowledgeError as error:
        return await _version_page(request, number, str(error), HTTPStatus.CONFLICT)
    await note_change(request, who, f"back to version {number}")
    in_use = await put_in_use(bot)
    query = urlencode({"restored": number, "in_use": int(in_use)})
    return RedirectResponse(f"/knowledge/versions?{query}", HTTPStatus.SEE_OTHER)


async def _text_of(file: object) -> str:
    """What was uploaded. Raises KnowledgeError when that can be no knowledge base."""
    if not isinstance(file, UploadFile) or not file.filename:
        raise KnowledgeError("Choose a file first.")
    refuse_large(file.size or 0, file.filename[:100])
    try:
        return (await file.read()).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise KnowledgeError("This file is not UTF-8 text.") from error


async def _replace(
    request: Request, who: Principal, form: Form, text: str, based_on: str
) -> Response:
    bot = services_of(request).bot_parts
    try:
        await asyncio.to_thread(bot.editor.replace, text, based_on, who.name, "The whole file")
    except StaleKnowledgeError as error:
        form.wrong[WHOLE_FORM] = str(error)
        raw = await asyncio.to_thread(read_file, bot.editor.path)
        form.values = {"text": text, "based_on": fingerprint_of(raw)}
        return _file_page(request, form, status=HTTPStatus.CONFLICT)
    except KnowledgeError as error:
        form.wrong["text"] = error.message
        return _file_page(request, form, status=HTTPStatus.UNPROCESSABLE_ENTITY)
    await note_change(request, who, "the whole file")
    query = urlencode({"saved": 1, "in_use": int(await put_in_use(bot))})
    return RedirectResponse(f"/knowledge/file?{query}", HTTPStatus.SEE_OTHER)


async def _refused(request: Request, form: Form) -> Response:
    """An upload that cannot be used: the file as it is stays in the editor."""
    raw = await asyncio.to_thread(read_file, services_of(request).bot_parts.editor.path)
    form.values = {"text": raw.decode("utf-8-sig", "replace"), "based_on": fingerprint_of(raw)}
    return _file_page(request, form, status=HTTPStatus.UNPROCESSABLE_ENTITY)


def _file_page(
    request: Request,
    form: Form,
    *,
    saved: bool = False,
    in_use: bool = True,
    before: int = 0,
    status: HTTPStatus = HTTPStatus.OK,
) -> Response:
    return page(
        request,
        "knowledge_file.html",
        status=status,
        sections=SECTIONS,
        section=None,
        form=form,
        saved=saved,
        in_use=in_use,
        before=before,
        largest_mb=LARGEST_BYTES // 1_000_000,
    )


async def _version_page(
    request: Request, number: int, trouble: str = "", status: HTTPStatus = HTTPStatus.OK
) -> Response:
    history = services_of(request).bot_parts.editor.history

    def look() -> tuple[object, object, bool]:
        versions = history.versions()
        version = next((one for one in versions if one.number == number), None)
        lines = history.diff(number)
        return version, lines, versions[0].number == number

    version, lines, is_newest = await asyncio.to_thread(look)
    return page(
        request,
        "knowledge_version.html",
        status=status,
        sections=SECTIONS,
        section=None,
        number=number,
        version=version,
        lines=lines,
        is_newest=is_newest,
        trouble=trouble,
    )
