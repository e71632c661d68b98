using CozeCluster.Upstreams.Shared.Http;
using Microsoft.Extensions.Logging;

namespace CozeCluster.Upstreams.Coze;

/// <summary>Asks Coze for each bot and each of its accounts, whether the token is valid and the bot is published.</summary>
internal sealed class CozeProbe : IUpstreamProbe, IDisposable
{
    private readonly UpstreamHttp _http;
    private readonly CozeClient _client;

    public CozeProbe(ISecretSeal seal, TimeProvider time, ILogger<CozeProbe> logger)
    {
        seal = new NotingSeal(seal);
        _http = new UpstreamHttp(seal);
        var http = new CozeHttp(_http, time, logger);
        _client = new CozeClient(http, new CozeTokens(http, seal, time, logger));
    }

    /// <inheritdoc />
    public IEnumerable<ProbeQuestion> Questions(Fleet fleet) =>
        from bot in fleet.Bots
        where bot.Upstream == CozeUpstream.UpstreamName
        from account in fleet.Accounts
        where bot.Accounts.Contains(account.Id)
        select new ProbeQuestion($"bot '{bot.Id}' with account '{account.Id}'", stop => Ask(bot, account, stop));

    /// <inheritdoc />
    public void Dispose() => _http.Dispose();

    private async Task<ProbeFinding> Ask(BotDefinition bot, AccountDefinition account, CancellationToken cancellationToken)
    {
        var isDraft = CozeBotOptions.Parse(bot).PublishStatus == "unpublished_draft";
        try
        {
            await Read(bot, account, isPublished: !isDraft, cancellationToken).ConfigureAwait(false);
            return ProbeFinding.Ok(isDraft ? "The token is valid, and the bot exists." : "The token is valid, and the bot is published.");
        }
        catch (ClusterException e) when (e.Code == ErrorCode.UpstreamUnauthorized)
        {
            return ProbeFinding.Problem(e, $"Give account '{account.Id}' a valid token in the fleet file.");
        }
        catch (ClusterException e) when (e.Code == ErrorCode.UpstreamNotFound)
        {
            return ProbeFinding.Problem(e, "Correct 'bot_id' of the bot, or 'base_url' of the account.");
        }
        catch (ClusterException e) when (e.Code == ErrorCode.UpstreamForbidden)
        {
            if (!isDraft && await Exists(bot, account, cancellationToken).ConfigureAwait(false))
                return ProbeFinding.Problem(e, "The token is valid. Publish the bot in Coze, with API as one of its channels.");
            return ProbeFinding.Unknown(
                $"{e.Message.TrimEnd('.')}. The token may not read the bot, which chats do not need. To know more, give it the permission getMetadata, and "
                + "access to the bot's workspace.");
        }
    }

    private async Task<bool> Exists(BotDefinition bot, AccountDefinition account, CancellationToken cancellationToken)
    {
        try
        {
            await Read(bot, account, isPublished: false, cancellationToken).ConfigureAwait(false);
            return true;
        }
        catch (ClusterException e) when (e.Code is ErrorCode.UpstreamForbidden or ErrorCode.UpstreamNotFound)
        {
            return false;
        }
    }

    private Task Read(BotDefinition bot, AccountDefinition account, bool isPublished, CancellationToken cancellationToken) =>
        _client.Read(account, $"/v1/bots/{Uri.EscapeDataString(bot.UpstreamBotId)}?is_published={(isPublished ? "true" : "false")}", cancellationToken);
}
