using CozeCluster.Gateway.Compat;
using CozeCluster.Gateway.Http;
using Microsoft.AspNetCore.Http;

namespace CozeCluster.Gateway.Surfaces.Cdb;

/// <summary>
/// Reads requests of the Bridge and authenticates them. The key is a parameter <c>key</c>, a header <c>key</c>, or a standard header, in this order. The key
/// <c>default</c> means that there is no key.
/// </summary>
internal sealed class CdbRequests(ApiKeys keys, IFleetView fleet, GatewayOptions options)
{
    /// <summary>The largest body of a request that shows its key only in its body: room for a picture.</summary>
    private const long MaxUnknownBytes = 8L << 20;

    private const string NoKey = "default";
    private const string KeyName = "key";

    /// <summary>Reads and authenticates a request. Afterwards <see cref="RequestInfo.Key"/> is set.</summary>
    /// <param name="context">The request.</param>
    /// <param name="read">Reads the parameters. It is called after the authentication.</param>
    /// <exception cref="ClusterException">The key is missing or not valid, or the parameters are not valid.</exception>
    public async ValueTask<T> Read<T>(HttpContext context, Func<CdbParameters, T> read)
    {
        var request = context.Request;
        var fromQuery = Last(request.Query[KeyName]);
        var ownHeader = request.Headers[KeyName].ToString();
        if (HttpMethods.IsGet(request.Method))
        {
            Authenticate(context, fromQuery, ownHeader);
            return read(CdbParameters.Of(request.Query));
        }
        // A body may be large only if it is known who sends it.
        var isKnown = IsKnown(context, First(fromQuery, ownHeader) ?? ApiKeys.Read(request).ToString());
        if (isKnown) Authenticate(context, fromQuery, ownHeader);
        var maxBytes = isKnown ? options.MaxBodyBytes : Math.Min(options.MaxBodyBytes, MaxUnknownBytes);
        return await JsonBody.ReadBytes(context, maxBytes, body => CdbParameters.Parse(body, request.Query, parameters =>
        {
            var inBody = parameters.Text(KeyName);
            if (!isKnown || !string.IsNullOrEmpty(inBody)) Authenticate(context, First(inBody, fromQuery) ?? "", ownHeader);
            return read(parameters);
        }));
    }

    private void Authenticate(HttpContext context, string parameter, string ownHeader)
    {
        if (First(parameter, ownHeader) is not { } own) keys.Authenticate(context, ApiKeys.Read(context.Request));
        else if (own == NoKey) keys.Authenticate(context, "");
        else keys.Authenticate(context, own, allowAnonymous: false);
    }

    private bool IsKnown(HttpContext context, string key) => key is "" or NoKey
        ? CompatRequest.Of(context)?.Endpoint?.Anonymous is not null
        : fleet.FindKey(GrainKeys.ApiKeyHash(key)) is not null;

    private static string? First(string? one, string? other) => !string.IsNullOrEmpty(one) ? one : !string.IsNullOrEmpty(other) ? other : null;

    private static string Last(Microsoft.Extensions.Primitives.StringValues values) => values.Count == 0 ? "" : values[^1] ?? "";
}
