using System.Net;

namespace CozeCluster.Silo.Fleets;

/// <summary>How operators are told of changes, with open secrets.</summary>
/// <param name="WebhookUrl">See <see cref="WebhookDefinition.Url"/>; null: no webhook.</param>
/// <param name="WebhookSecret">See <see cref="WebhookDefinition.Secret"/>.</param>
/// <param name="Telegram">Null: no Telegram.</param>
internal sealed record FleetNotifications(string? WebhookUrl, string? WebhookSecret, FleetTelegram? Telegram)
{
    /// <summary>Never the secrets.</summary>
    public override string ToString() => nameof(FleetNotifications);
}

/// <summary>A Telegram bot with its open token.</summary>
internal sealed record FleetTelegram(string Token, string ChatId, string BaseUrl)
{
    /// <summary>Never the token.</summary>
    public override string ToString() => ChatId;
}

/// <summary>Reads <c>notices</c>.</summary>
internal static class NotificationsSection
{
    private const string TelegramUrl = "https://api.telegram.org";
    private const string ExpectedUrl = "a URL that begins with https://, or with http:// for this machine alone";
    private const string ExpectedSecret = "a secret: 1 to 256 printable ASCII characters, no spaces";
    private const string ExpectedToken = "a Telegram bot's token, such as 123456:ABC-DEF";
    private const string ExpectedChat = "a chat's number or @name";

    public static FleetNotifications? Read(Field section) => section.Map(map =>
    {
        var webhook = map.Optional("webhook");
        var telegram = map.Optional("telegram");
        if (!webhook.Exists && !telegram.Exists) map.Report("Expected 'webhook', 'telegram' or both.");
        var (url, secret) = webhook.Map(hook => new Webhook(
            hook.Required("url").Text(IsUrl, ExpectedUrl),
            hook.Optional("secret").Text(text => text.Length <= 256 && text.All(c => c is > ' ' and <= '~'), ExpectedSecret))) ?? new Webhook(null, null);
        return new FleetNotifications(url, secret, telegram.Map(Telegram));
    });

    /// <summary>Seals the secrets.</summary>
    public static NotificationsDefinition? Seal(FleetNotifications? notices, Func<string, Secret> seal) => notices is null ? null : new NotificationsDefinition
    {
        Webhook = notices.WebhookUrl is { } url ? new WebhookDefinition(seal(url), notices.WebhookSecret is { } secret ? seal(secret) : null) : null,
        Telegram = notices.Telegram is { } telegram ? new TelegramDefinition(seal(telegram.Token), telegram.ChatId, telegram.BaseUrl) : null,
    };

    private static FleetTelegram Telegram(MapReader map) => new(
        map.Required("token").Text(text => text.Length <= 100 && text.Contains(':') && text.All(c => char.IsAsciiLetterOrDigit(c) || c is ':' or '-' or '_'), ExpectedToken) ?? "",
        map.Required("chat_id").Text(text => text.Length <= 64 && text.TrimStart('-', '@').Length > 0 && text.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '@' or '_'), ExpectedChat) ?? "",
        map.Optional("base_url").Text(IsUrl, ExpectedUrl)?.TrimEnd('/') ?? TelegramUrl);

    /// <summary>Notifications name what fails, and their addresses are secrets: neither goes over a network in the clear.</summary>
    private static bool IsUrl(string text) =>
        Uri.TryCreate(text, UriKind.Absolute, out var url) && url.UserInfo.Length == 0 && url.Fragment.Length == 0 && !text.Contains(' ')
        && (url.Scheme == "https" || (url.Scheme == "http" && (url.Host == "localhost" || (IPAddress.TryParse(url.Host.Trim('[', ']'), out var address) && IPAddress.IsLoopback(address)))));

    private sealed record Webhook(string? Url, string? Secret);
}
