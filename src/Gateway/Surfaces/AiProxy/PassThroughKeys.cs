using CozeCluster.Gateway.Http;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Extensions;

namespace CozeCluster.Gateway.Surfaces.AiProxy;

/// <summary>
/// Authenticates requests whose API key is where the keys of providers are: in <c>Authorization</c>, <c>x-api-key</c>, <c>api-key</c>, <c>x-goog-api-key</c>,
/// or in the query. A request may have a key of this node in one place, and the client's own key of the provider in another.
/// </summary>
internal sealed class PassThroughKeys(IFleetView fleet, ApiKeys keys)
{
    private const string GoogleHeader = "x-goog-api-key";

    /// <summary>The names of parameters whose values may be keys. They are never sent on.</summary>
    private static readonly string[] KeyParameters = ["key", "api_key", "api-key", "apikey", "access_token", "token"];

    /// <summary>Authenticates a request. Afterwards <see cref="RequestInfo.Key"/> is set.</summary>
    /// <param name="context">The request.</param>
    /// <param name="allowOwn">Whether the endpoint accepts the client's own keys of providers.</param>
    /// <returns>The client's own key; null if there is none. It is never a key of the fleet.</returns>
    /// <exception cref="ClusterException">See <see cref="ApiKeys.Authenticate"/>.</exception>
    public async Task<string?> Authenticate(HttpContext context, bool allowOwn)
    {
        var given = Read(context.Request);
        var ours = given.Find(key => fleet.FindKey(GrainKeys.ApiKeyHash(key)) is not null);
        keys.Authenticate(context, ours ?? given.FirstOrDefault() ?? "");
        if (!allowOwn) return null;
        foreach (var key in given)
        {
            // A key that was created a moment ago must not be sent to a provider because this process has not received it yet.
            var hash = GrainKeys.ApiKeyHash(key);
            if (key != ours && await fleet.FindCurrent(view => view.FindKey(hash)) is null) return key;
        }
        return null;
    }

    /// <summary>The query without keys.</summary>
    public static string QueryOf(HttpRequest request)
    {
        if (!request.QueryString.HasValue) return "";
        var kept = request.Query.Where(parameter => !KeyParameters.Contains(parameter.Key, StringComparer.OrdinalIgnoreCase));
        return new QueryBuilder(kept.SelectMany(parameter => parameter.Value, (parameter, value) => KeyValuePair.Create(parameter.Key, value ?? "")))
            .ToQueryString().ToUriComponent();
    }

    private static List<string> Read(HttpRequest request)
    {
        var standard = ApiKeys.Read(request).ToString();
        string[] all =
        [
            standard, request.Headers["x-api-key"].ToString(), request.Headers["api-key"].ToString(), request.Headers[GoogleHeader].ToString(),
            request.Query["key"].ToString(),
        ];
        return [.. all.Select(key => key.Trim()).Where(key => key.Length > 0).Distinct()];
    }
}
