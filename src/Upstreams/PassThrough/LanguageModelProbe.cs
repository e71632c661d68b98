using System.Text.Json;
using CozeCluster.Upstreams.OpenAi;
using CozeCluster.Upstreams.Shared.Http;
using CozeCluster.Upstreams.Shared.Json;

namespace CozeCluster.Upstreams.PassThrough;

/// <summary>Asks the servers of language models, for each bot and each of its accounts, whether the key is valid and the server has the model.</summary>
internal sealed class LanguageModelProbe(IPassThrough servers) : IUpstreamProbe
{
    private const string GeminiPrefix = "models/";
    private const int MaxListed = 5;

    /// <inheritdoc />
    public IEnumerable<ProbeQuestion> Questions(Fleet fleet) =>
        from bot in fleet.Bots
        where UpstreamNames.IsLanguageModel(bot.Upstream)
        from account in fleet.Accounts
        where bot.Accounts.Contains(account.Id)
        select new ProbeQuestion($"bot '{bot.Id}' with account '{account.Id}'", stop => Ask(bot, account, stop));

    private async Task<ProbeFinding> Ask(BotDefinition bot, AccountDefinition account, CancellationToken cancellationToken)
    {
        if (account.CredentialFromRequest) return ProbeFinding.Unknown("Clients bring their own keys, so the server cannot be asked.");
        var model = bot.UpstreamBotId;
        var path = bot.Upstream switch
        {
            UpstreamNames.OpenAi => "/v1/models",
            UpstreamNames.Claude => $"/v1/models/{Uri.EscapeDataString(model)}",
            _ => $"/v1beta/models/{Uri.EscapeDataString(model.StartsWith(GeminiPrefix, StringComparison.Ordinal) ? model[GeminiPrefix.Length..] : model)}",
        };
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri("http://localhost"));
        using var response = await servers.Send(new PassThroughTarget(bot.Upstream, account, ownKey: null), path, "", request, cancellationToken)
            .ConfigureAwait(false);
        var answer = await Read(response, cancellationToken).ConfigureAwait(false);
        return (int)response.StatusCode switch
        {
            200 when bot.Upstream == UpstreamNames.OpenAi => FindModel(answer, model),
            200 => ProbeFinding.Ok($"The key is valid, and the server has the model '{model}'."),
            404 when bot.Upstream == UpstreamNames.OpenAi =>
                ProbeFinding.Unknown("The server does not list its models. If it should, correct 'base_url' of the account."),
            404 => ProbeFinding.Problem($"The server has no model '{model}'. Correct 'bot_id' of the bot, or 'base_url' of the account.{TextOf(answer)}"),
            // Gemini refuses a key that it does not know as an invalid request.
            401 or 403 or 400 => ProbeFinding.Problem(
                $"The server refuses the key (HTTP {(int)response.StatusCode}). Give account '{account.Id}' a valid key in the fleet file.{TextOf(answer)}"),
            429 => ProbeFinding.Unknown($"The server is at its limit (HTTP 429). Ask again later.{TextOf(answer)}"),
            _ => ProbeFinding.Problem(
                $"The server does not answer as its API documents (HTTP {(int)response.StatusCode}). Check 'base_url' of the account.{TextOf(answer)}"),
        };
    }

    private static ProbeFinding FindModel(JsonElement answer, string model)
    {
        var names = answer.GetMember("data"u8).GetItems().Select(item => item.GetText("id"u8)).OfType<string>().ToList();
        if (names.Contains(model)) return ProbeFinding.Ok($"The key is valid, and the server lists the model '{model}'.");
        if (names.Count == 0) return ProbeFinding.Unknown("The server lists no models. If it should, correct 'base_url' of the account.");
        var shown = UpstreamText.Clean(string.Join(", ", names.Take(MaxListed)));
        return ProbeFinding.Problem(
            $"The key is valid, but the server does not list the model '{model}'. Correct 'bot_id' of the bot. It lists {names.Count}: {shown}"
            + (names.Count > MaxListed ? " and others." : "."));
    }

    private static async Task<JsonElement> Read(HttpResponseMessage response, CancellationToken cancellationToken)
    {
        try
        {
            var body = await response.Content.ReadAsStreamAsync(cancellationToken).ConfigureAwait(false);
            var bytes = await HttpBody.ReadUpTo(body, OpenAiLimits.MaxJsonBody, cancellationToken).ConfigureAwait(false);
            return LenientJson.TryParse(bytes.Span) ?? default;
        }
        catch (Exception e) when (e is IOException or HttpRequestException or InvalidDataException)
        {
            throw new ClusterException(ErrorCode.UpstreamUnavailable, "The connection to the model's server broke while it was answering.", inner: e);
        }
    }

    // The forms of all three: {"error":{"message":…}}.
    private static string TextOf(JsonElement answer) =>
        UpstreamText.Clean(answer.GetMember("error"u8).GetText("message"u8)) is { Length: > 0 } text ? $" The server says: {text}" : "";
}
