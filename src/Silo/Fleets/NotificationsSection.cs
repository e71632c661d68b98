using System.Net;

namespace CozeCluster.Silo.Fleets;

/// <summary>Reads the section <c>notifications</c>.</summary>
internal static class NotificationsSection
{
    /// <summary>The URL of Telegram's API.</summary>
    public const string TelegramUrl = "https://api.telegram.org";
    private const string ExpectedUrl = "a URL that begins with https://, or with http:// for an address of this machine";
    private const string ExpectedSecret = "a secret: 1 to 256 printable ASCII characters, no spaces";
    private const string ExpectedToken = "the token of a Telegram bot, such as 123456:ABC-DEF";
    private const string ExpectedChat = "the number or @name of a chat";

    public static FleetNotifications? Read(FleetField section) => section.Map(map =>
    {
        var webhook = map.Optional("webhook");
        var telegram = map.Optional("telegram");
        if (!webhook.Exists && !telegram.Exists) map.Report("Expected 'webhook', 'telegram' or both.");
        return new FleetNotifications(webhook.Map(ReadWebhook), telegram.Map(ReadTelegram));
    });

    private static FleetWebhook ReadWebhook(FleetMap map) => new(
        map.Required("url").Text(IsUrl, ExpectedUrl) ?? "",
        map.Optional("secret").Text(text => text.Length <= 256 && text.All(c => c is > ' ' and <= '~'), ExpectedSecret));

    private static FleetTelegram ReadTelegram(FleetMap map) => new(
        map.Required("token").Text(IsToken, ExpectedToken) ?? "",
        map.Required("chat_id").Text(IsChat, ExpectedChat) ?? "",
        map.Optional("base_url").Text(IsUrl, ExpectedUrl)?.TrimEnd('/') ?? TelegramUrl);

    private static bool IsToken(string text) =>
        text.Length <= 100 && text.Contains(':') && text.All(c => char.IsAsciiLetterOrDigit(c) || c is ':' or '-' or '_');

    private static bool IsChat(string text) =>
        text.Length <= 64 && text.TrimStart('-', '@').Length > 0 && text.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '@' or '_');

    // Notifications name what fails, and a webhook URL is a secret. Neither may cross a network unencrypted.
    private static bool IsUrl(string text) =>
        Uri.TryCreate(text, UriKind.Absolute, out var url) && url.UserInfo.Length == 0 && url.Fragment.Length == 0 && !text.Contains(' ')
        && (url.Scheme == "https" || (url.Scheme == "http" && IsThisMachine(url.Host)));

    private static bool IsThisMachine(string host) =>
        host == "localhost" || (IPAddress.TryParse(host.Trim('[', ']'), out var address) && IPAddress.IsLoopback(address));
}
