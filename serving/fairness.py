"""A fair share for each visitor: so many jobs of one kind, and in all, waiting or running at once.

Knows no tab. A visitor is a session: behind a proxy all have one address.
"""

from collections import Counter

from starlette.exceptions import HTTPException

RUNNING = 4  # jobs of one kind that run at once
OF_A_KIND = RUNNING - 1  # of one visitor's, so that somebody else's need not wait for them

TOO_MANY = "You already have {} jobs waiting or running here. Wait until one of them has ended."


def share(queue, in_all):
    """Refuse a visitor more than OF_A_KIND jobs of one kind, and `in_all` in all, at once.

    Args:
        queue: the gradio.queueing.Queue of the app.
        in_all: int, jobs.
    """
    push = queue.push

    async def fairly(body, request, username):
        own = Counter(
            event.data.fn_index
            for event in queue.event_ids_to_events.values()
            if event.session_hash == body.session_hash
        )
        if own[body.fn_index] >= OF_A_KIND or own.total() >= in_all:
            raise HTTPException(429, TOO_MANY.format(own.total()))
        return await push(body=body, request=request, username=username)

    queue.push = fairly
