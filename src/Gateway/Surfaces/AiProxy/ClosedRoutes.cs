using CozeCluster.Gateway.Compat;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace CozeCluster.Gateway.Surfaces.AiProxy;

/// <summary>Routes of aiproxy that worked with web pages of providers. They answer 501 with the reason.</summary>
internal static class ClosedRoutes
{
    private const string ChatGpt = "This route used the web page of ChatGPT, with forged browsers and solved captchas. It is not supported. Use OpenAI's API: "
        + "POST /v1/chat/completions.";

    private const string ClaudeWeb = "This route used the web page of Claude with the cookie of a person. It is not supported. Use Claude's API: "
        + "POST /claude/api/v1/messages.";

    private const string Bing = "The service of Bing that this route used has ended.";
    private const string Login = "This route signed in to OpenAI with the password or the session of a person. It is not supported. Use an API key.";
    private const string Captcha = "This route solved captchas. It is not supported.";

    private static readonly (string Pattern, string Reason)[] All =
    [
        ("/backend-api/{**path}", ChatGpt), ("/backend-anon/{**path}", ChatGpt), ("/public-api/{**path}", ChatGpt), ("/gptimage/{**path}", ChatGpt),
        ("/claude/web/{**path}", ClaudeWeb), ("/bing/{**path}", Bing), ("/auth/{**path}", Login), ("/arkose/{**path}", Captcha),
    ];

    public static void Map(IEndpointRouteBuilder routes)
    {
        foreach (var (pattern, reason) in All)
        {
            RequestDelegate refuse = _ => throw new ClusterException(ErrorCode.NotImplemented, reason);
            routes.Map(pattern, refuse).WithMetadata(new CompatRoute(CompatMode.AiProxy)).ExcludeFromDescription();
        }
    }

    /// <summary>The refusal of a request whose <c>provider</c> names a web page; null for other providers.</summary>
    public static ClusterException? Find(string? provider) => provider switch
    {
        "openai-chat-web" => new ClusterException(ErrorCode.NotImplemented, ChatGpt, "provider"),
        "bing" => new ClusterException(ErrorCode.NotImplemented, Bing, "provider"),
        _ => null,
    };

    /// <summary>The refusal of a request for the web page of a provider that also has an API.</summary>
    public static ClusterException WebPage(string provider) => new(
        ErrorCode.NotImplemented, provider == UpstreamNames.Claude ? ClaudeWeb : $"The web page of {provider} is not supported. Use \"type\":\"api\".",
        $"{provider}.type");
}
