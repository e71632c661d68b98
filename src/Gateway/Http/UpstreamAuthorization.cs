using Microsoft.AspNetCore.Http;

namespace CozeCluster.Gateway.Http;

/// <summary>Reads the tenant's own credential of an upstream from a request, and checks that the model takes it.</summary>
internal static class UpstreamAuthorization
{
    private const string Header = RequestCredential.Header;

    private static readonly string Expected =
        $"Invalid '{Header}': expected the name of an upstream ({string.Join(", ", UpstreamNames.LanguageModels)}), a space, and a credential of "
        + $"{RequestCredential.MinLength} to {RequestCredential.MaxLength} printable ASCII characters.";

    /// <summary>Reads the header <see cref="RequestCredential.Header"/>.</summary>
    /// <param name="context">The request.</param>
    /// <param name="fleet">The fleet.</param>
    /// <param name="model">The model of the request.</param>
    /// <param name="task">What the model is asked for.</param>
    /// <returns>Null if the request brings none, and needs none.</returns>
    /// <exception cref="ClusterException"><see cref="ErrorCode.InvalidRequest"/>. It names the header and never repeats its value.</exception>
    public static RequestCredential? Read(HttpContext context, IFleetView fleet, ModelDefinition model, ModelTask task = ModelTask.Chat)
    {
        var credential = Parse(context.Request);
        Check(fleet, model, task, credential);
        return credential;
    }

    /// <summary>Checks that a model takes a credential, or needs none.</summary>
    /// <exception cref="ClusterException"><see cref="ErrorCode.InvalidRequest"/>.</exception>
    private static void Check(IFleetView fleet, ModelDefinition model, ModelTask task, RequestCredential? credential)
    {
        var bots = model.Bots.Concat(model.Fallback).Select(fleet.FindBot).OfType<BotDefinition>().Where(bot => bot.Task == task);
        if (credential is not null && !bots.Any(bot => fleet.TakesCredential(bot, credential.Upstream)))
        {
            throw Invalid(
                $"The model '{model.Id}' takes no credential for '{credential.Upstream}' from requests. "
                + $"Omit the header '{Header}', or use a model that takes it.");
        }
        // A bot that another fleet has just removed may be missing here. The bots decide then.
        if (credential is null && bots.FirstOrDefault() is { } first && bots.All(bot => !fleet.HasAccount(bot, null)))
        {
            throw Invalid(
                $"The model '{model.Id}' needs your own credential of '{first.Upstream}'. "
                + $"Send it in the header '{Header}: {first.Upstream} YOUR_KEY', in addition to your API key.");
        }
    }

    private static RequestCredential? Parse(HttpRequest request)
    {
        var values = request.Headers[Header];
        if (values.Count > 1) throw Invalid($"The header '{Header}' was sent more than once. Send it once.");
        if (values.Count == 0 || values[0] is not { Length: > 0 } text) return null;
        var space = text.IndexOf(' ', StringComparison.Ordinal);
        if (space < 0) throw Invalid(Expected);
        var (upstream, value) = (text[..space], text[(space + 1)..].Trim());
        return UpstreamNames.IsLanguageModel(upstream) && RequestCredential.IsValid(value)
            ? new RequestCredential { Upstream = upstream, Value = value }
            : throw Invalid(Expected);
    }

    private static ClusterException Invalid(string message) => new(ErrorCode.InvalidRequest, message, Header);
}
