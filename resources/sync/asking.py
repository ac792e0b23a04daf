"""Asking for one account: with its grant, refreshed once where it is refused, or with the app's key."""

from __future__ import annotations

from resources.errors import ContractChanged, GrantExpired
from resources.grants import GrantKeeper, HeldGrant
from resources.http import ApiKey, ProviderClient
from resources.paging import Page, Params
from resources.provider import Provider, Stream
from resources.replies import ReplyDecoder, ReplyRefused
from resources.sync.passes import Account, StreamPass


class AccountClient:
    """Asks for the pages of one account's streams."""

    def __init__(  # noqa: PLR0913  # what it stands on, all of it handed in
        self,
        account: Account,
        grant: HeldGrant,
        *,
        provider: Provider,
        client: ProviderClient,
        keeper: GrantKeeper,
        decoders: dict[str, ReplyDecoder],
        key: ApiKey | None = None,
    ) -> None:
        self._account, self._grant, self._provider = account, grant, provider
        self._client, self._keeper, self._decoders, self._key = client, keeper, decoders, key

    async def page(self, result: StreamPass, path: str, params: Params, *, shared: bool = False) -> Page:
        """Return one page of a stream; what of it was refused is noted in the pass.

        A ``shared`` page is of several accounts.
        """
        body = await self._get(result, path, params, by_key=shared or result.stream.public)
        try:
            reply = self._decoders[result.stream.name].decode(body)
        except ReplyRefused as error:
            raise ContractChanged(self._provider.name, str(error), path=path) from error
        result.rejected += len(reply.rejections)
        result.complain([f"{path}: {rejection}" for rejection in reply.rejections])
        return reply.page

    async def _get(self, result: StreamPass, path: str, params: Params, *, by_key: bool) -> bytes:
        """Ask once, and once more with a refreshed grant where the access token was not accepted."""
        if by_key and self._key is not None:
            return await self._once(result, path, params, self._key)
        try:
            return await self._once(result, path, params, self._grant.tokens.access_token)
        except GrantExpired as error:
            self._grant = await self._keeper.refresh_refused(self._grant, self._account.org_id, error)
        try:
            return await self._once(result, path, params, self._grant.tokens.access_token)
        except GrantExpired as error:
            await self._keeper.give_up(self._grant, self._account.org_id, error)
            raise

    async def _once(self, result: StreamPass, path: str, params: Params, token: str) -> bytes:
        stream: Stream = result.stream
        bucket = self._provider.bucket(stream)
        return await self._client.get(path, params, token, result.usage, host=stream.host, bucket=bucket)
