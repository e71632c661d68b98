using System.Net;
using CozeCluster.Gateway.Http;
using CozeCluster.Gateway.Surfaces.Health;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Yarp.ReverseProxy.Forwarder;

namespace CozeCluster.Gateway.Surfaces.AiProxy;

/// <summary>
/// Passes requests to the servers of providers as they are, and their answers back, both while they grow. YARP copies them; <see cref="IPassThrough"/> adds
/// the credential and sends them. A node that cannot open secrets has none, and says so.
/// </summary>
internal sealed class PassThroughApi(
    IHttpForwarder forwarder, PassThroughKeys keys, PassThroughAdmission admissions, IFleetView fleet, Readiness readiness, GatewayOptions options,
    IPassThrough? passThrough = null)
{
    private const string AccountHeader = "x-auth-id";

    private static readonly string[] Methods = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"];

    // A reply that is not streamed may take minutes until its first byte.
    private static readonly ForwarderRequestConfig Config = new()
    {
        ActivityTimeout = TimeSpan.FromMinutes(10), Version = HttpVersion.Version11, VersionPolicy = HttpVersionPolicy.RequestVersionOrHigher,
    };

    private int _turn;

    /// <summary>Passes a request through, with the credential of an account or the client's own key.</summary>
    /// <param name="context">The request.</param>
    /// <param name="upstream">The provider.</param>
    /// <param name="path">The path at the provider.</param>
    /// <exception cref="ClusterException">The request may not be passed through, or the provider could not be reached.</exception>
    public async Task Forward(HttpContext context, string upstream, PathString path)
    {
        readiness.ThrowIfDraining();
        var rules = PassThroughRules.Of(context, upstream);
        var own = await keys.Authenticate(context, rules.OwnKeys);
        var key = RequestInfo.KeyOf(context);
        rules.Check(key.TenantId);
        CheckLimits(key, own);
        CheckRequest(context);
        TakeFormsAsJson(context.Request);
        if (passThrough is null)
        {
            throw new ClusterException(
                ErrorCode.NotImplemented, "This node is a gateway, which cannot open the keys of providers. Send the request to a node with the role 'all'.");
        }
        var choice = own is null ? rules.Choose(context.Request.Headers[AccountHeader].ToString(), Interlocked.Increment(ref _turn)) : [];
        await using var admission = await admissions.Enter(key, choice);
        if (admission.Account is { } account) context.Response.Headers[AccountHeader] = rules.PublicIdOf(account.Id);
        var target = new PassThroughTarget(upstream, admission.Account ?? ServerForOwnKeys(rules), own);
        admission.Succeeded = await Forward(context, key, target, path.ToUriComponent());
    }

    /// <summary>Nobody counts the tokens of what is passed through, and its model is not looked at. So keys with such limits cannot use it.</summary>
    private static void CheckLimits(RequestKey key, string? own)
    {
        if (own is not null || (key.Models.Count == 0 && !key.IsLimited)) return;
        throw new ClusterException(
            ErrorCode.PermissionDenied,
            "This API key or its tenant has limits that do not apply to requests to a provider. Use a key without limits or models.");
    }

    /// <summary>curl sends a body as a form by default. These APIs have no forms: the body is JSON.</summary>
    public static void TakeFormsAsJson(HttpRequest request)
    {
        if (request.ContentType?.StartsWith("application/x-www-form-urlencoded", StringComparison.OrdinalIgnoreCase) == true)
            request.ContentType = "application/json";
    }

    /// <returns>Whether the provider answered with success.</returns>
    private async Task<bool> Forward(HttpContext context, RequestKey key, PassThroughTarget target, string path)
    {
        using var revoked = new CancellationTokenSource();
        using var subscription = fleet.Subscribe(change =>
        {
            if (change.RevokedKeys.Contains(key.Hash)) revoked.Cancel();
        });
        // Read after the subscription: a change before that was not reported to it.
        if (!key.IsAnonymous && fleet.FindKey(key.Hash) is not { Disabled: false }) throw Revoked();
        using var invoker = new HttpMessageInvoker(new Sender(passThrough!, target, path, PassThroughKeys.QueryOf(context.Request)));
        var transformer = target.OwnKey is null ? PassThroughTransformer.ForAccount : PassThroughTransformer.ForOwnKey;

        var error = await forwarder.SendAsync(context, "http://provider", invoker, Config, transformer, revoked.Token);

        if (error == ForwarderError.None) return context.Response.StatusCode < 400;
        context.RequestAborted.ThrowIfCancellationRequested();
        // YARP has aborted a response that had started, so no client takes it for a whole one.
        if (context.Response.HasStarted) return false;
        if (revoked.IsCancellationRequested) throw Revoked();
        throw ToException(error, context.Features.Get<IForwarderErrorFeature>()?.Exception, target.Upstream);
    }

    /// <summary>With the client's own key, the first account says where the server is; without accounts it is the provider's public one.</summary>
    private AccountDefinition? ServerForOwnKeys(PassThroughRules rules) => rules.Accounts is [var first, ..] ? fleet.FindAccount(first) : null;

    private void CheckRequest(HttpContext context)
    {
        if (!Methods.Contains(context.Request.Method, StringComparer.OrdinalIgnoreCase))
        {
            throw new ClusterException(
                ErrorCode.MethodNotAllowed, $"{context.Request.Method} is not passed through. Allowed: {string.Join(", ", Methods)}.");
        }
        if (context.Features.Get<IHttpUpgradeFeature>()?.IsUpgradableRequest == true
            || context.Features.Get<IHttpExtendedConnectFeature>()?.IsExtendedConnect == true)
            throw new ClusterException(ErrorCode.NotImplemented, "WebSockets are not passed through. Use the HTTP routes of the provider.");
        if (context.Request.ContentLength > options.MaxBodyBytes) throw JsonBody.TooLarge(options.MaxBodyBytes);
        if (context.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } limit) limit.MaxRequestBodySize = null;
        context.Request.Body = new LimitedBody(context.Request.Body, options.MaxBodyBytes);
    }

    private static ClusterException Revoked() => new(ErrorCode.InvalidApiKey, "The API key was revoked.");

    private static Exception ToException(ForwarderError error, Exception? exception, string upstream)
    {
        for (var cause = exception; cause is not null; cause = cause.InnerException)
        {
            if (cause is ClusterException or BadHttpRequestException) return cause;
        }
        return error switch
        {
            ForwarderError.RequestTimedOut => new ClusterException(ErrorCode.UpstreamTimeout, $"{upstream} did not answer in time.", inner: exception),
            ForwarderError.RequestBodyClient => new ClusterException(ErrorCode.InvalidRequest, "The request body could not be read.", inner: exception),
            _ => new ClusterException(ErrorCode.UpstreamUnavailable, $"The connection to {upstream} broke before it answered.", inner: exception),
        };
    }

    /// <summary>What YARP takes for a client: it hands the request to <see cref="IPassThrough"/>.</summary>
    private sealed class Sender(IPassThrough passThrough, PassThroughTarget target, string path, string query) : HttpMessageHandler
    {
        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken) =>
            passThrough.Send(target, path, query, request, cancellationToken);
    }
}
