using Permission = CozeCluster.Sandbox.Coze.CozePermissions;

namespace CozeCluster.Sandbox.Coze;

/// <summary>The routes of the fake Coze.</summary>
internal static class CozeRoutes
{
    /// <summary>The path of the image that scripted answers show.</summary>
    public const string ImagePath = "/coze/sandbox/image.png";

    /// <summary>Maps every route of the fake Coze below <paramref name="routes"/>.</summary>
    public static void MapFakeCoze(this IEndpointRouteBuilder routes, FakeCoze coze)
    {
        Map("POST", "/v3/chat", Permission.Chat, ChatApi.CreateAsync);
        Map("GET,POST", "/v3/chat/retrieve", Permission.GetChat, ChatApi.RetrieveAsync);
        Map("GET,POST", "/v3/chat/message/list", Permission.ListMessage, ChatApi.ListMessagesAsync);
        Map("POST", "/v3/chat/cancel", Permission.CancelChat, ChatApi.CancelAsync);
        Map("POST", "/v3/chat/submit_tool_outputs", Permission.SubmitToolChat, ChatApi.SubmitToolOutputsAsync);

        Map("POST", "/v1/conversation/create", Permission.CreateConversation, ConversationApi.CreateAsync);
        Map("GET", "/v1/conversation/retrieve", Permission.Conversation, ConversationApi.RetrieveAsync);
        Map("GET", "/v1/conversations", Permission.Conversation, ConversationApi.ListAsync);
        Map("PUT", "/v1/conversations/{id}", Permission.Conversation, ConversationApi.UpdateAsync);
        Map("DELETE", "/v1/conversations/{id}", Permission.Conversation, ConversationApi.DeleteAsync);
        Map("POST", "/v1/conversations/{id}/clear", Permission.Conversation, ConversationApi.ClearAsync);
        Map("POST", "/v1/conversation/message/create", Permission.Conversation, MessageApi.CreateAsync);
        Map("POST", "/v1/conversation/message/list", Permission.ListMessage, MessageApi.ListAsync);
        Map("GET", "/v1/conversation/message/retrieve", Permission.ListMessage, MessageApi.RetrieveAsync);
        Map("POST", "/v1/conversation/message/modify", Permission.Conversation, MessageApi.ModifyAsync);
        Map("POST", "/v1/conversation/message/delete", Permission.Conversation, MessageApi.DeleteAsync);

        Map("POST", "/v1/files/upload", Permission.UploadFile, FileApi.UploadAsync);
        Map("GET", "/v1/files/retrieve", Permission.UploadFile, FileApi.RetrieveAsync);

        Map("GET", "/v1/bots", Permission.ListBot, BotApi.ListAsync);
        Map("GET", "/v1/bots/{id}", Permission.GetPublishedBot, BotApi.GetAsync);
        Map("GET", "/v1/space/published_bots_list", Permission.ListBot, BotApi.PublishedListAsync);
        Map("GET", "/v1/bot/get_online_info", Permission.GetPublishedBot, BotApi.OnlineInfoAsync);
        Map("GET", "/v1/workspaces", Permission.ListBot, BotApi.WorkspacesAsync);

        // These requests carry a JWT instead of an access token.
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

        void Map(string methods, string path, string? permission, Func<CozeContext, Task> handler) =>
            routes.MapMethods(path, methods.Split(','), (RequestDelegate)(http => CozeContext.HandleAsync(http, coze, permission, handler)));

        void Control(string method, string path, Func<CozeContext, Task> handler) =>
            routes.MapMethods(path, [method], (RequestDelegate)(http => CozeContext.HandleControlAsync(http, coze, handler)));
    }
}
