"""The verdict on one message: its family is told, the edition is chosen, and that edition judges."""

from validators.model import Circumstances, Judgement
from validators.parsing import ParsedMessage
from validators.profiles import ProfileBook, Told


def judge(message: ParsedMessage, circumstances: Circumstances, profiles: ProfileBook) -> Judgement:
    """The verdict on a parsed message, with every finding in document order.

    The family is told by what the message holds, the edition is that of its day. Where two are in force the newest
    judges, and an older one where the newest refuses and it does not. The same message under the same circumstances
    always gets the same verdict.
    """
    root = message.root
    book, message_type = profiles.addressed(root)
    told = Told(root, message_type, book.family.day_of(root, circumstances), message.regular is not None)
    first, *others = book.on(told.day)
    judgement = first.rules.judge(first, told, circumstances)
    if judgement.verdict.stands:
        return judgement
    older = (profile.rules.judge(profile, told, circumstances) for profile in others)
    return next((other for other in older if other.verdict.stands), judgement)
