using CozeCluster.Sandbox.Coze.Accounts;
using CozeCluster.Sandbox.Coze.Bots;
using CozeCluster.Sandbox.Coze.Chats;
using CozeCluster.Sandbox.Coze.Control;
using CozeCluster.Sandbox.Coze.Conversations;
using CozeCluster.Sandbox.Coze.Files;
using Permit = CozeCluster.Sandbox.Coze.Accounts.CozePermissions;

namespace CozeCluster.Sandbox.Coze;

internal static class CozeSandboxRoutes
{
    /// <summary>Where the picture in scripted answers is served.</summary>
    public const string ImagePath = "/coze/sandbox/image.png";

    /// <summary>Maps every route of the fake Coze below <paramref name="routes"/>.</summary>
    public static void MapCozeSandbox(this IEndpointRouteBuilder routes, FakeCoze coze)
    {
        Map("POST", "/v3/chat", Permit.Chat, ChatApi.CreateAsync);
        Map("GET,POST", "/v3/chat/retrieve", Permit.GetChat, ChatApi.RetrieveAsync);
        Map("GET,POST", "/v3/chat/message/list", Permit.ListMessage, ChatApi.ListMessagesAsync);
        Map("POST", "/v3/chat/cancel", Permit.CancelChat, ChatApi.CancelAsync);
        Map("POST", "/v3/chat/submit_tool_outputs", Permit.SubmitToolChat, ChatApi.SubmitToolOutputsAsync);

        Map("POST", "/v1/conversation/create", Permit.CreateConversation, ConversationApi.CreateAsync);
        Map("GET", "/v1/conversation/retrieve", Permit.Conversation, ConversationApi.RetrieveAsync);
        Map("GET", "/v1/conversations", Permit.Conversation, ConversationApi.ListAsync);
        Map("PUT", "/v1/conversations/{id}", Permit.Conversation, ConversationApi.UpdateAsync);
        Map("DELETE", "/v1/conversations/{id}", Permit.Conversation, ConversationApi.DeleteAsync);
        Map("POST", "/v1/conversations/{id}/clear", Permit.Conversation, ConversationApi.ClearAsync);
        Map("POST", "/v1/conversation/message/create", Permit.Conversation, MessageApi.CreateAsync);
        Map("POST", "/v1/conversation/message/list", Permit.ListMessage, MessageApi.ListAsync);
        Map("GET", "/v1/conversation/message/retrieve", Permit.ListMessage, MessageApi.RetrieveAsync);
        Map("POST", "/v1/conversation/message/modify", Permit.Conversation, MessageApi.ModifyAsync);
        Map("POST", "/v1/conversation/message/delete", Permit.Conversation, MessageApi.DeleteAsync);

        Map("POST", "/v1/files/upload", Permit.UploadFile, FileApi.UploadAsync);
        Map("GET", "/v1/files/retrieve", Permit.UploadFile, FileApi.RetrieveAsync);

        Map("GET", "/v1/bots", Permit.ListBot, BotApi.ListAsync);
        Map("GET", "/v1/bots/{id}", Permit.GetPublishedBot, BotApi.GetAsync);
        Map("GET", "/v1/space/published_bots_list", Permit.ListBot, BotApi.PublishedListAsync);
        Map("GET", "/v1/bot/get_online_info", Permit.GetPublishedBot, BotApi.OnlineInfoAsync);
        Map("GET", "/v1/workspaces", Permit.ListBot, BotApi.WorkspacesAsync);

        // These take a JWT, not an access token.
        Map("POST", "/api/permission/oauth2/token", null, OAuthApi.TokenAsync);
        Map("POST", "/api/permission/oauth2/account/{account}/token", null, OAuthApi.TokenAsync);

        Control("POST", "/sandbox/script", ControlApi.ScriptAsync);
        Control("POST", "/sandbox/faults", ControlApi.FaultAsync);
        Control("GET", "/sandbox/chats", ControlApi.ChatsAsync);
        Control("GET", "/sandbox/counts", ControlApi.CountsAsync);
        Control("POST", "/sandbox/reset", ControlApi.ResetAsync);
        Control("POST", "/sandbox/tokens", ControlApi.MintTokenAsync);
        Control("POST", "/sandbox/tokens/expire", ControlApi.ExpireTokenAsync);
        Control("GET", "/sandbox/oauth-app", ControlApi.OAuthAppAsync);
        Control("GET", "/sandbox/image.png", ControlApi.ImageAsync);

        void Map(string methods, string path, string? permission, Func<CozeCall, Task> handler) =>
            routes.MapMethods(path, methods.Split(','), (RequestDelegate)(http => CozeCall.RunAsync(http, coze, permission, handler)));

        void Control(string method, string path, Func<CozeCall, Task> handler) =>
            routes.MapMethods(path, [method], (RequestDelegate)(http => CozeCall.RunControlAsync(http, coze, handler)));
    }
}
